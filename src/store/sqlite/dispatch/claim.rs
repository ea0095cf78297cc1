//! Claiming: the next distinct targets of a lane, on disk as a submission before anything is sent (law 4). In which order items
//! leave is said in ten sentences in docs/decisions/0010.

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use super::batch::{AGE_SHARE, Batch, Candidate};
use super::deferral::Deferral;
use super::eligibility::Eligibility;
use super::isolation_group::{Fronts, NORMAL};
use super::lane_pauses::is_paused;
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
struct Scan {
    group: i64,
    batch: Batch,
    isolated: bool,
    deferrals: Vec<Deferral>,
    /// The lane may have more of the group than was read.
    reached_limit: bool,
}

/// Heads that one scan reads, for so many places and a share more where items may be deferred.
const MARGIN_SHARE: u32 = 8;
/// Scans of one claim: callers wait meanwhile.
const SCANS_MAX: u32 = 16;
/// Items that share a place of a batch; further ones share a place of a later one.
const SHARED_PLACES_MAX: u32 = 10_000;

impl Scan {
    /// Whether another scan may find more for this call: every eligible item has a place, there is room for more than a few,
    /// and what was deferred, or the limit, hid others; or urgent work that may go stands behind some that may not.
    fn is_short(&self, grant: &Grant, is_wide: bool) -> bool {
        let room = (grant.targets_max as usize).saturating_sub(self.batch.targets.len());
        let has_room = room > (grant.targets_max / MARGIN_SHARE) as usize && self.batch.left_over == 0;
        let defers_urgent = self.deferrals.iter().any(|deferral| deferral.is_urgent);
        defers_urgent || (has_room && (!self.deferrals.is_empty() || (self.reached_limit && !is_wide)))
    }
}

#[async_trait]
impl Change for ClaimBatch {
    type Output = Option<Claim>;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Option<Claim>, StoreError> {
        if is_paused(self.grant.lane, db).await? {
            return Ok(None);
        }
        let mut eligibility = Eligibility::load(&self.grant, self.now, db).await?;
        let Some(Scan { group, mut batch, isolated, .. }) = self.next_batch(&mut eligibility, db).await? else {
            return Ok(None);
        };
        let submission = SubmissionId(
            sqlx::query_scalar(
                "insert into submissions (lane_id, state, targets, created_at) values ($1, 'sending', $2, $3) returning id",
            )
            .bind(self.grant.lane.0)
            .bind(i64::try_from(batch.targets.len()).unwrap_or(i64::MAX))
            .bind(self.now.as_millis())
            .fetch_one(&mut *db)
            .await?,
        );
        move_into_submission(&batch.items, submission, db).await?;
        // Isolated items do not advance the lane's turn.
        if group == NORMAL {
            let turns: Vec<_> = batch.turns.iter().collect();
            sqlx::query(sql!("advance_lane_turn.sql"))
                .bind(self.grant.lane.0)
                .bind(columns::json(&turns)?)
                .execute(&mut *db)
                .await?;
        }
        let equal = self.items_with_equal_targets(&eligibility, db).await?;
        if !equal.is_empty() {
            move_into_submission(&equal, submission, db).await?;
            batch.items.extend(equal);
        }
        let count = batch.targets.len();
        let message =
            format!("taken into submission {submission} with {count} target{}", if count == 1 { "" } else { "s" });
        let notice =
            EventNotice { kind: EventKind::Claimed, message: &message, submission: Some(submission), failure: None };
        command::insert_events_for_moves(notice, None, db, self.now).await?;
        command::apply_moves(db, self.now).await?;
        tenant_quota::record_attribution(submission, &batch.placed, &self.grant.shares, db).await?;
        coalesce_into_directories::attach_covered_urls(&batch, self.grant.lane, submission, self.now, db).await?;
        let items = u32::try_from(batch.items.len()).unwrap_or(u32::MAX);
        Ok(Some(Claim { submission, targets: batch.targets, items, isolated }))
    }
}

impl ClaimBatch {
    /// The next eligible items of the lane. Items that may not go are deferred, so that no scan reads them again.
    async fn next_batch(
        &self,
        eligibility: &mut Eligibility<'_>,
        db: &mut SqliteConnection,
    ) -> Result<Option<Scan>, StoreError> {
        let places = self.grant.targets_max;
        let margin = if eligibility.may_defer() { places / MARGIN_SHARE } else { 0 };
        let mut limit = places.saturating_add(margin);
        let mut last = None;
        for _ in 0..SCANS_MAX {
            let is_wide = limit > places.saturating_add(margin);
            let Some(scan) = self.scan(limit, is_wide, eligibility, db).await? else { break };
            if !scan.deferrals.is_empty() {
                defer(&scan.deferrals, self.now, db).await?;
            } else if scan.reached_limit && !is_wide {
                limit = limit.saturating_mul(2);
            }
            let is_short = scan.is_short(&self.grant, is_wide);
            last = Some(scan);
            if !is_short {
                break;
            }
        }
        // The lane does not stop for many deferred items: what the last scan found goes.
        Ok(last.filter(|scan| !scan.batch.targets.is_empty()))
    }

    /// Other pending items of this lane with a target in the batch.
    async fn items_with_equal_targets(
        &self,
        eligibility: &Eligibility<'_>,
        db: &mut SqliteConnection,
    ) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(sql!("coalescing_items.sql"))
            .bind(self.grant.lane.0)
            .bind(SHARED_PLACES_MAX)
            .fetch_all(&mut *db)
            .await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            let item = row.try_get("id")?;
            if !eligibility.waits_for_purge(item, &read::decode_target(row)?) {
                items.push(item);
            }
        }
        Ok(items)
    }

    /// Reads the next items of the lane once, and sorts them into a batch and deferrals. None: nothing is due.
    async fn scan(
        &self,
        limit: u32,
        is_wide: bool,
        eligibility: &mut Eligibility<'_>,
        db: &mut SqliteConnection,
    ) -> Result<Option<Scan>, StoreError> {
        let fronts = Fronts::load(self.grant.lane, db).await?;
        let Some(group) = fronts.next(self.grant.sequence) else { return Ok(None) };
        let each = if is_wide { limit } else { self.grant.targets_max / AGE_SHARE + 1 };
        let candidates = self.candidates(group, limit, each, db).await?;
        let reached_limit = candidates.len() >= limit as usize;
        eligibility.load_for(candidates.iter().map(|candidate| &candidate.target), db).await?;
        let (mut eligible, mut deferrals) = (Vec::with_capacity(candidates.len()), Vec::new());
        for candidate in candidates {
            match eligibility.deferral(&candidate, group, db).await? {
                Some(deferral) => deferrals.push(deferral),
                None => eligible.push(candidate),
            }
        }
        let (eligible, above_share) = tenant_quota::limit_to_quota(eligible, &self.grant.shares, db).await?;
        let isolation =
            host_isolation::isolate_unproved_hosts(eligible, group, self.grant.lane, &self.grant.online_hosts, db)
                .await?;
        deferrals.extend(above_share.into_iter().chain(isolation.deferrals));
        // While urgent items wait for another call, only urgent ones may spend quota.
        let urgent_only = fronts.has_other_urgent(group) || isolation.left_over.iter().any(Candidate::is_urgent);
        let others_max = if urgent_only { 0 } else { self.grant.non_urgent_max };
        let mut batch = Batch::of(isolation.heads, &Grant { non_urgent_max: others_max, ..self.grant.clone() });
        batch.left_over += isolation.left_over.len();
        Ok(Some(Scan { group, batch, isolated: isolation.isolated, deferrals, reached_limit }))
    }

    async fn candidates(
        &self,
        group: i64,
        limit: u32,
        each: u32,
        db: &mut SqliteConnection,
    ) -> Result<Vec<Candidate>, StoreError> {
        let row = sqlx::query(sql!("next_candidates.sql"))
            .bind(self.grant.lane.0)
            .bind(group)
            .bind(i64::from(limit))
            .bind(i64::from(each))
            .fetch_one(db)
            .await?;
        let rows: Vec<(i64, i64, i64, &str)> =
            serde_json::from_str(row.try_get("heads")?).map_err(|error| StoreError::Database(error.into()))?;
        let kind = columns::word(&row, "kind")?;
        let candidate = |(item, priority, rank, text): (i64, i64, i64, &str)| {
            columns::target(kind, text).map(|target| Candidate { item, priority, rank, target })
        };
        rows.into_iter().map(candidate).collect()
    }
}

async fn defer(deferrals: &[Deferral], now: Timestamp, db: &mut SqliteConnection) -> Result<(), StoreError> {
    let rows: Vec<_> = deferrals.iter().map(Deferral::row).collect();
    sqlx::query(sql!("defer_items.sql")).bind(columns::json(&rows)?).execute(&mut *db).await?;
    command::apply_moves(db, now).await
}

async fn move_into_submission(
    items: &[i64],
    submission: SubmissionId,
    db: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query(sql!("claim_items.sql")).bind(columns::json(&items)?).bind(submission.0).execute(db).await?;
    Ok(())
}
