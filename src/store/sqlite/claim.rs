//! Claiming: the next distinct targets of a lane, on disk as a submission before anything is sent (law 4).

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use super::change::{self, Change, Notice};
use super::codes;
use crate::domain::{SubmissionId, Target, Timestamp};
use crate::store::{Claim, EventKind, Grant, StoreError};

pub(super) struct ClaimBatch {
    pub(super) grant: Grant,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for ClaimBatch {
    type Output = Option<Claim>;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Option<Claim>, StoreError> {
        let picked = self.pick(db).await?;
        if picked.targets.is_empty() {
            return Ok(None);
        }
        let submission = SubmissionId(
            sqlx::query_scalar(
                "insert into submissions (lane_id, state, targets, created_at) values ($1, 'sending', $2, $3) returning id",
            )
            .bind(self.grant.lane.0)
            .bind(i64::try_from(picked.targets.len()).unwrap_or(i64::MAX))
            .bind(self.now.as_millis())
            .fetch_one(&mut *db)
            .await?,
        );
        sqlx::query(include_str!("sql/move_claimed.sql"))
            .bind(codes::json(&picked.items)?)
            .bind(submission.0)
            .execute(&mut *db)
            .await?;
        let count = picked.targets.len();
        let message =
            format!("taken into submission {submission} with {count} target{}", if count == 1 { "" } else { "s" });
        let notice =
            Notice { kind: EventKind::Claimed, message: &message, submission: Some(submission), failure: None };
        change::notice_moved(notice, None, db, self.now).await?;
        change::apply_moves(db, self.now).await?;
        let items = u32::try_from(picked.items.len()).unwrap_or(u32::MAX);
        Ok(Some(Claim { submission, targets: picked.targets, items }))
    }
}

#[derive(Default)]
struct Picked {
    items: Vec<i64>,
    targets: Vec<Target>,
}

impl ClaimBatch {
    /// The head of the lane. Equal targets share one place; they are neighbours of the same batch, all unsent (law 5).
    async fn pick(&self, db: &mut SqliteConnection) -> Result<Picked, StoreError> {
        let rows = sqlx::query(include_str!("sql/claim_heads.sql"))
            .bind(self.grant.lane.0)
            .bind(i64::from(self.grant.targets_max))
            .fetch_all(db)
            .await?;
        let mut picked = Picked::default();
        let mut seen = HashSet::new();
        let mut bytes = 0;
        for row in rows {
            let kind = codes::word(&row, "kind")?;
            let target = codes::target(kind, row.try_get("target")?)?;
            if !seen.contains(&target) {
                bytes += target.as_str().len();
                if bytes > self.grant.bytes_max {
                    break;
                }
                seen.insert(target.clone());
                picked.targets.push(target);
            }
            picked.items.push(row.try_get("id")?);
        }
        Ok(picked)
    }
}
