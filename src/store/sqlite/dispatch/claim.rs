//! Claiming: the next distinct targets of a lane, on disk as a submission before anything is sent (law 4).

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use super::batch::{Batch, Candidate};
use super::eligibility::{Deferral, Eligibility};
use super::lane_pauses::is_paused;
use super::scan_window::{ScanCoverage, ScanWindow, count_by_priority};
use super::{coalesce_into_directories, host_isolation, tenant_quota};
use crate::domain::{SubmissionId, Timestamp};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::jobs::read;
use crate::store::sqlite::writer::command;
use crate::store::sqlite::writer::command::{Change, EventNotice};
use crate::store::{Claim, EventKind, Grant, StoreError};

pub(crate) struct ClaimBatch {
    pub(crate) grant: Grant,
    pub(crate) now: Timestamp,
}

/// What one scan of the lane found.
#[derive(Default)]
struct ScanResult {
    batch: Batch,
    /// Items that may not go with it.
    deferrals: Vec<Deferral>,
    /// Items behind the window could belong in the batch.
    may_miss: bool,
}

impl ScanResult {
    /// Whether to scan again: an item was moved to another isolation group, nothing here is eligible and something was
    /// deferred, or the scan window was too small.
    fn needs_rescan(&self, is_far: bool) -> bool {
        let has_become_due = self.deferrals.iter().any(|(_, becomes, ..)| *becomes == columns::DUE);
        let has_changed = !self.deferrals.is_empty();
        has_become_due || (has_changed && self.batch.targets.is_empty()) || (self.may_miss && (has_changed || !is_far))
    }
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
        move_into_submission(&picked.items, submission, db).await?;
        // Isolated items do not advance the lane's turn.
        if picked.isolation_group == 0 {
            let turns: Vec<_> = picked.turns.iter().collect();
            sqlx::query(sql!("advance_lane_turn.sql"))
                .bind(self.grant.lane.0)
                .bind(columns::json(&turns)?)
                .execute(&mut *db)
                .await?;
        }
        let riders = self.riders(&barriers, db).await?;
        if !riders.is_empty() {
            move_into_submission(&riders, submission, db).await?;
            picked.items.extend(riders);
        }
        let count = picked.targets.len();
        let message =
            format!("taken into submission {submission} with {count} target{}", if count == 1 { "" } else { "s" });
        let notice =
            EventNotice { kind: EventKind::Claimed, message: &message, submission: Some(submission), failure: None };
        command::insert_events_for_moves(notice, None, db, self.now).await?;
        command::apply_moves(db, self.now).await?;
        tenant_quota::record_attribution(submission, &picked.placed, &self.grant.shares, db).await?;
        coalesce_into_directories::attach_covered_urls(&picked, self.grant.lane, submission, self.now, db).await?;
        let items = u32::try_from(picked.items.len()).unwrap_or(u32::MAX);
        Ok(Some(Claim { submission, targets: picked.targets, items, isolated: picked.isolated }))
    }
}

/// Items that share a place of a batch; further ones share a place of a later one.
const RIDERS_MAX: u32 = 10_000;
/// Scans of one claim: the caller waits while items are deferred, so that has a bound.
const LOOKS_MAX: usize = 16;

impl ClaimBatch {
    /// The next eligible items. What may not go is deferred.
    async fn pick(&self, db: &mut SqliteConnection) -> Result<(Batch, Eligibility<'_>), StoreError> {
        let mut barriers = Eligibility::load(&self.grant, self.now, db).await?;
        let (mut window, mut is_far) = (ScanWindow::first(&self.grant, &barriers), false);
        for looks_left in (0..LOOKS_MAX).rev() {
            let look = self.scan(window, &mut barriers, &mut *db).await?;
            let again = look.needs_rescan(is_far);
            if !look.deferrals.is_empty() {
                sqlx::query(sql!("defer_items.sql")).bind(columns::json(&look.deferrals)?).execute(&mut *db).await?;
                command::apply_moves(db, self.now).await?;
            } else if again {
                (window, is_far) = (window.widened(), true);
            }
            // The lane does not stop for many deferred items: after the last scan its eligible items go.
            if !again || looks_left == 0 {
                return Ok((look.batch, barriers));
            }
        }
        Ok((Batch::default(), barriers))
    }

    /// Also claims every other pending item of this lane with a target in the batch.
    async fn riders(&self, barriers: &Eligibility<'_>, db: &mut SqliteConnection) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(sql!("coalescing_items.sql"))
            .bind(self.grant.lane.0)
            .bind(RIDERS_MAX)
            .fetch_all(&mut *db)
            .await?;
        let mut riders = Vec::with_capacity(rows.len());
        for row in &rows {
            let rider = row.try_get("id")?;
            if !barriers.waits_for_purge(rider, &read::decode_target(row)?) {
                riders.push(rider);
            }
        }
        Ok(riders)
    }

    /// Reads the heads of the lane once, and sorts them into a batch and deferrals.
    async fn scan(
        &self,
        window: ScanWindow,
        barriers: &mut Eligibility<'_>,
        db: &mut SqliteConnection,
    ) -> Result<ScanResult, StoreError> {
        let row = sqlx::query(sql!("next_candidates.sql"))
            .bind(self.grant.lane.0)
            .bind(i64::from(window.ahead))
            .bind(host_isolation::UNPROVED)
            .bind(i64::try_from(self.grant.sequence.0).unwrap_or(i64::MAX))
            .bind(i64::from(window.each))
            .fetch_one(&mut *db)
            .await?;
        let rows: Vec<(i64, i64, i64, &str)> =
            serde_json::from_str(row.try_get("heads")?).map_err(|error| StoreError::Database(error.into()))?;
        if rows.is_empty() {
            return Ok(ScanResult::default());
        }
        let (isolation_group, kind) = (row.try_get("cohort")?, columns::word(&row, "kind")?);
        let head = |(item, priority, rank, text): (i64, i64, i64, &str)| {
            columns::target(kind, text).map(|target| Candidate { item, priority, rank, target })
        };
        let all = rows.into_iter().map(head).collect::<Result<Vec<_>, _>>()?;
        let seen = ScanCoverage::of(&all, window);
        barriers.load_for(all.iter().map(|head| &head.target), &mut *db).await?;
        let mut free = Vec::with_capacity(all.len());
        let mut deferrals = Vec::new();
        for head in all {
            match barriers.deferral(head.item, isolation_group, &head.target, &mut *db).await? {
                Some(deferred) => deferrals.push(deferred),
                None => free.push((isolation_group, head)),
            }
        }
        let (heads, unpaid) = tenant_quota::limit_to_quota(free, &self.grant.shares, self.now, &mut *db).await?;
        deferrals.extend(unpaid);
        let heads: Vec<Candidate> = heads.into_iter().map(|(_, head)| head).collect();
        let free = count_by_priority(&heads);
        let sorted = host_isolation::isolate_unproved_hosts(heads, isolation_group, self.grant.lane, db).await?;
        let others_max = if sorted.urgent_only { 0 } else { self.grant.non_urgent_max };
        let mut batch = Batch::of(sorted.heads, &Grant { non_urgent_max: others_max, ..self.grant.clone() });
        (batch.isolation_group, batch.isolated) = (isolation_group, sorted.apart);
        batch.left_over.iter_mut().zip(sorted.remaining).for_each(|(remaining, current)| *remaining += current);
        deferrals.extend(sorted.deferrals);
        let may_miss = seen.needs_second_scan(free, &batch, self.grant.targets_max);
        Ok(ScanResult { batch, deferrals, may_miss })
    }
}

async fn move_into_submission(
    items: &[i64],
    submission: SubmissionId,
    db: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query(sql!("claim_items.sql")).bind(columns::json(&items)?).bind(submission.0).execute(db).await?;
    Ok(())
}
