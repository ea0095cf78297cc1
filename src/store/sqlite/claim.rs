//! Claiming: the next distinct targets of a lane, on disk as a submission before anything is sent (law 4).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use super::change::{self, Change, Notice};
use super::pause::is_paused;
use super::{codes, read};
use crate::domain::{ErrorClass, Failure, SubmissionId, Target, Timestamp};
use crate::store::{Claim, EventKind, Grant, StoreError};

pub(super) struct ClaimBatch {
    pub(super) grant: Grant,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for ClaimBatch {
    type Output = Option<Claim>;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Option<Claim>, StoreError> {
        if is_paused(self.grant.lane, db).await? {
            return Ok(None);
        }
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

/// What is looked at in one claim, in batches: whoever is claimed for waits for what is set aside, so that has a bound.
const LOOKS_MAX: usize = 16;
/// How soon a target whose earlier call has no answer is looked at again.
const HOLD_LOOK: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Picked {
    items: Vec<i64>,
    targets: Vec<Target>,
    aside: Vec<Aside>,
}

/// `[item, becomes, cohort, due_at, failure]`, as `sql/move_aside.sql` takes it.
type Aside = (i64, i64, i64, Option<i64>, Option<i64>);

impl ClaimBatch {
    /// The next items that may go. What may not is set aside, and the lane is looked at again if nothing else was there.
    async fn pick(&self, db: &mut SqliteConnection) -> Result<Picked, StoreError> {
        let held: HashSet<String> = sqlx::query_scalar(include_str!("sql/held_targets.sql"))
            .bind(self.grant.lane.0)
            .fetch_all(&mut *db)
            .await?
            .into_iter()
            .collect();
        let mut barriers = Barriers { grant: &self.grant, held, failures: HashMap::new(), now: self.now };
        for _ in 0..LOOKS_MAX {
            let picked = self.look(&mut barriers, &mut *db).await?;
            if picked.aside.is_empty() {
                return Ok(picked);
            }
            sqlx::query(include_str!("sql/move_aside.sql")).bind(codes::json(&picked.aside)?).execute(&mut *db).await?;
            change::apply_moves(db, self.now).await?;
            if !picked.targets.is_empty() {
                return Ok(picked);
            }
        }
        Ok(Picked::default())
    }

    /// The head of the lane. Equal targets share one place; they are neighbours of the same batch, all unsent (law 5).
    async fn look(&self, barriers: &mut Barriers<'_>, db: &mut SqliteConnection) -> Result<Picked, StoreError> {
        let rows = sqlx::query(include_str!("sql/claim_heads.sql"))
            .bind(self.grant.lane.0)
            .bind(i64::from(self.grant.targets_max))
            .fetch_all(&mut *db)
            .await?;
        let mut picked = Picked::default();
        let mut seen = HashSet::new();
        let mut bytes = 0;
        for row in rows {
            let (item, cohort): (i64, i64) = (row.try_get("id")?, row.try_get("cohort")?);
            let target = read::decode_target(&row)?;
            if let Some(aside) = barriers.aside(item, cohort, &target, &mut *db).await? {
                picked.aside.push(aside);
                continue;
            }
            if !seen.contains(&target) {
                bytes += target.as_str().len();
                if bytes > self.grant.bytes_max {
                    break;
                }
                seen.insert(target.clone());
                picked.targets.push(target);
            }
            picked.items.push(item);
        }
        Ok(picked)
    }
}

/// What keeps a due item of a lane that may send from going.
struct Barriers<'a> {
    grant: &'a Grant,
    held: HashSet<String>,
    /// Kept for this claim already: by host, or none for what is held.
    failures: HashMap<Option<String>, i64>,
    now: Timestamp,
}

impl Barriers<'_> {
    async fn aside(
        &mut self,
        item: i64,
        cohort: i64,
        target: &Target,
        db: &mut SqliteConnection,
    ) -> Result<Option<Aside>, StoreError> {
        if let Some(suspect) = self.grant.suspects.iter().find(|suspect| suspect.host == target.host()) {
            let own = suspect.refused.0 * 2;
            if self.now < suspect.until {
                let failure = self.failure(Some(target.host()), &suspect.failure, db).await?;
                return Ok(Some((item, codes::DELAYED, own, Some(suspect.until.as_millis()), Some(failure))));
            }
            if cohort == 0 {
                return Ok(Some((item, codes::DUE, own, None, None)));
            }
        }
        if self.held.contains(target.as_str()) {
            let message = "an earlier call with this target has no answer; the provider's list is being asked first";
            let failure = Failure::new(ErrorClass::Lost, "reconciling", message);
            let failure = self.failure(None, &failure, db).await?;
            let again_at = (self.now + HOLD_LOOK).as_millis();
            return Ok(Some((item, codes::DELAYED, cohort, Some(again_at), Some(failure))));
        }
        Ok(None)
    }

    async fn failure(
        &mut self,
        host: Option<&str>,
        failure: &Failure,
        db: &mut SqliteConnection,
    ) -> Result<i64, StoreError> {
        let key = host.map(str::to_owned);
        if let Some(id) = self.failures.get(&key) {
            return Ok(*id);
        }
        let id = change::keep_failure(failure, db, self.now).await?;
        self.failures.insert(key, id);
        Ok(id)
    }
}
