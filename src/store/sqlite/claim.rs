//! Claiming: the next distinct targets of a lane, on disk as a submission before anything is sent (law 4).

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use super::barriers::{Aside, Barriers};
use super::batch::{Batch, Head};
use super::change::{self, Change, Notice};
use super::pause::is_paused;
use super::{codes, company, read, ride, share};
use crate::domain::{SubmissionId, Timestamp};
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
        let (mut picked, barriers) = self.pick(db).await?;
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
        take(&picked.items, submission, db).await?;
        sqlx::query(include_str!("sql/advance_turn.sql"))
            .bind(self.grant.lane.0)
            .bind(codes::json(&picked.placed)?)
            .execute(&mut *db)
            .await?;
        let riders = self.riders(&barriers, db).await?;
        if !riders.is_empty() {
            take(&riders, submission, db).await?;
            picked.items.extend(riders);
        }
        let count = picked.targets.len();
        let message =
            format!("taken into submission {submission} with {count} target{}", if count == 1 { "" } else { "s" });
        let notice =
            Notice { kind: EventKind::Claimed, message: &message, submission: Some(submission), failure: None };
        change::notice_moved(notice, None, db, self.now).await?;
        change::apply_moves(db, self.now).await?;
        share::keep(submission, &picked.placed, &self.grant.shares, db).await?;
        ride::board(&picked, self.grant.lane, submission, self.now, db).await?;
        let items = u32::try_from(picked.items.len()).unwrap_or(u32::MAX);
        Ok(Some(Claim { submission, targets: picked.targets, items, apart: picked.apart }))
    }
}

/// Items that travel along with a batch; the others share a place of a later one.
const RIDERS_MAX: u32 = 10_000;
/// What is looked at in one claim, in batches: whoever is claimed for waits for what is set aside, so that has a bound.
const LOOKS_MAX: usize = 16;
impl ClaimBatch {
    /// The next items that may go, and what they passed. What may not is set aside, and the lane is looked at again if nothing
    /// else was there.
    async fn pick(&self, db: &mut SqliteConnection) -> Result<(Batch, Barriers<'_>), StoreError> {
        let mut barriers = Barriers::of(&self.grant, self.now, db).await?;
        for looks_left in (0..LOOKS_MAX).rev() {
            let (batch, aside) = self.look(&mut barriers, &mut *db).await?;
            if aside.is_empty() {
                return Ok((batch, barriers));
            }
            // Behind what goes aside there may be others who should leave before those who were seen.
            sqlx::query(include_str!("sql/move_aside.sql")).bind(codes::json(&aside)?).execute(&mut *db).await?;
            change::apply_moves(db, self.now).await?;
            // But the lane does not stand still for a pile: at the end those go who were seen and may.
            if looks_left == 0 {
                return Ok((batch, barriers));
            }
        }
        Ok((Batch::default(), barriers))
    }

    /// Whoever waits in the lane for one of the targets that move travels along, however far behind.
    async fn riders(&self, barriers: &Barriers<'_>, db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(include_str!("sql/riders.sql"))
            .bind(self.grant.lane.0)
            .bind(RIDERS_MAX)
            .fetch_all(&mut *db)
            .await?;
        let mut riders = Vec::with_capacity(rows.len());
        for row in &rows {
            let rider = row.try_get("id")?;
            if !barriers.purge_first(rider, &read::decode_target(row)?) {
                riders.push(rider);
            }
        }
        Ok(riders)
    }

    /// The heads of the lane that may go.
    async fn look(
        &self,
        barriers: &mut Barriers<'_>,
        db: &mut SqliteConnection,
    ) -> Result<(Batch, Vec<Aside>), StoreError> {
        let row = sqlx::query(include_str!("sql/claim_heads.sql"))
            .bind(self.grant.lane.0)
            .bind(i64::from(self.grant.targets_max))
            .bind(company::UNPROVED)
            .bind(i64::try_from(self.grant.turn.0).unwrap_or(i64::MAX))
            .fetch_one(&mut *db)
            .await?;
        let found: Vec<(i64, i64, String)> =
            serde_json::from_str(row.try_get("heads")?).map_err(|error| StoreError::Database(error.into()))?;
        if found.is_empty() {
            return Ok(Default::default());
        }
        let (cohort, kind) = (row.try_get("cohort")?, codes::word(&row, "kind")?);
        let head = |(item, priority, text): (i64, i64, String)| {
            codes::target(kind, &text).map(|target| Head { item, priority, target })
        };
        let all = found.into_iter().map(head).collect::<Result<Vec<_>, _>>()?;
        barriers.meet(all.iter().map(|head| &head.target), &mut *db).await?;
        let mut free = Vec::with_capacity(all.len());
        let mut aside = Vec::new();
        for head in all {
            match barriers.aside(head.item, cohort, &head.target, &mut *db).await? {
                Some(barred) => aside.push(barred),
                None => free.push((cohort, head)),
            }
        }
        let (heads, unpaid) = share::within(free, &self.grant.shares, self.now, &mut *db).await?;
        aside.extend(unpaid);
        let heads = heads.into_iter().map(|(_, head)| head).collect();
        let sorted = company::sort(heads, cohort, self.grant.lane, db).await?;
        let others_max = if sorted.urgent_only { 0 } else { self.grant.others_max };
        let mut batch = Batch::of(sorted.heads, &Grant { others_max, ..self.grant.clone() });
        batch.apart = sorted.apart;
        aside.extend(sorted.aside);
        Ok((batch, aside))
    }
}

async fn take(items: &[i64], submission: SubmissionId, db: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(include_str!("sql/move_claimed.sql")).bind(codes::json(&items)?).bind(submission.0).execute(db).await?;
    Ok(())
}
