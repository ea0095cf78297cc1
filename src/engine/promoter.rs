//! The promoter: creates one directory purge where so many URL purges below it are pending that this is cheaper. The URLs then
//! coalesce into it as into any directory (law 5). The purge is a job like any other, and expires unless it is sent soon.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::scheduler::{Decision, LaneLoad, decide};
use super::{Accounts, EngineDeps};
use crate::domain::{
    Area, JobId, Labels, Lane, LaneId, Operation, PoolAvailability, Priority, Promotion, PromotionCandidate, Target,
    TenantName, Timestamp,
};
use crate::random::Random;
use crate::store::{JobPart, LaneDepth, LaneRecord, NewJob, PartState, Store, StoreError};

/// Items read of each priority of a lane: as many as coalescing reads.
const ITEMS_MAX: u32 = 1_000;
/// Between two scans of a lane without a candidate.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);
/// A promoted directory expires after this: URLs that were sent meanwhile are no reason to purge it.
const DEADLINE: Duration = Duration::from_secs(60);

pub(super) struct Promoter {
    store: Arc<dyn Store>,
    accounts: Accounts,
    random: Random,
    /// When a lane was last scanned without a candidate.
    last_scans: HashMap<LaneId, Timestamp>,
}

impl Promoter {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            random: deps.random.clone(),
            last_scans: HashMap::new(),
        }
    }

    /// Creates the directory purges that are cheaper now, and returns whether there was any.
    pub(super) async fn step(&mut self, depths: &[LaneDepth], now: Timestamp) -> Result<bool, StoreError> {
        let mut promoted = false;
        for depth in depths.iter().filter(|depth| depth.paused.is_none()) {
            let Some(account) = self.accounts.get(&depth.lane.account) else { continue };
            let due: u64 = depth.due.iter().sum();
            let is_deep = account.promotion.urls_min().is_some_and(|least| due >= u64::from(least));
            let was_scanned = self.last_scans.get(&depth.id).is_some_and(|at| now.since(*at) < SCAN_INTERVAL);
            if !is_deep || was_scanned || depth.lane.covering_directory_lane().is_none() {
                continue;
            }
            let account = account.clone();
            if self.promote(depth, &account, now).await? {
                promoted = true;
            } else {
                self.last_scans.insert(depth.id, now);
            }
        }
        Ok(promoted)
    }

    async fn promote(&self, depth: &LaneDepth, account: &Account, now: Timestamp) -> Result<bool, StoreError> {
        let Some(lane) = depth.lane.covering_directory_lane() else { return Ok(false) };
        let items = self.store.next_items(depth.id, ITEMS_MAX).await?;
        let urls = items.iter().map(|(url, priority)| (url, *priority));
        let candidates = promotion_candidates(account, &depth.lane, urls, now);
        if candidates.is_empty() || !may_send(account, &lane, now) {
            return Ok(false);
        }
        let promotions_left = promotions_left(self.store.as_ref(), account, now).await?;
        let targets: Vec<Target> = candidates.iter().map(|candidate| candidate.directory.clone()).collect();
        let is_held = |record: &LaneRecord| record.lane == lane && record.paused.is_some();
        // Add nothing if a person paused the directory lane, or if this directory is pending already.
        if self.store.lanes().await?.iter().any(is_held) {
            return Ok(false);
        }
        let pending = self.store.pending_targets(&lane, &targets).await?;
        let mut promoted = false;
        for candidate in candidates
            .into_iter()
            .filter(|candidate| !pending.contains(&candidate.directory))
            .take(promotions_left as usize)
        {
            tracing::info!(directory = %candidate.directory, urls = candidate.urls, "promoting URL purges to one purge of their directory");
            // If the lane's area is the domain's own, the job names no area.
            let is_own = account.area_of(candidate.directory.host(), now) == lane.area;
            let request = if is_own { Area::Own } else { lane.area };
            self.store
                .create_job(NewJob { area: request, ..job(candidate, &lane, self.random.job_id(now), now) }, now)
                .await?;
            promoted = true;
        }
        Ok(promoted)
    }
}

/// The directories that these URLs of the lane would be promoted to, if they were pending: enough URLs below, and cheaper than
/// the URLs.
pub(super) fn promotion_candidates<'a>(
    account: &Account,
    urls: &Lane,
    targets: impl IntoIterator<Item = (&'a Target, Priority)>,
    now: Timestamp,
) -> Vec<PromotionCandidate> {
    let Some(lane) = urls.covering_directory_lane() else { return Vec::new() };
    let mut candidates = account.promotion.candidates(targets);
    if candidates.is_empty() || account.provider.capabilities().operation(&lane).is_none() {
        return Vec::new();
    }
    let remaining = |lane: &Lane| remaining_targets(&account.limits_for(lane, now).pools);
    let (Some(urls_left), Some(directories_left)) = (remaining(urls), remaining(&lane)) else { return Vec::new() };
    candidates.retain(|candidate| candidate.is_cheaper(urls_left, directories_left));
    candidates
}

/// Whether the lane could send one target now. If the directory had to wait, its URLs would be sent before it.
fn may_send(account: &Account, lane: &Lane, now: Timestamp) -> bool {
    let batch_max = account.provider.capabilities().batch_targets_max(lane);
    let load = LaneLoad { urgent: 0, others: 1, batch_max, in_flight: 0, paused: None };
    matches!(decide(&load, &account.limits_for(lane, now), now), Decision::Send { .. })
}

/// How many more directories may be promoted today.
pub(super) async fn promotions_left(store: &dyn Store, account: &Account, now: Timestamp) -> Result<u32, StoreError> {
    let day_start = account.provider.capabilities().day.start(now);
    let per_day = account.promotion.per_day;
    let promoted_today = store.jobs_since(&TenantName::new(Promotion::TENANT), day_start, per_day).await?;
    Ok(per_day.saturating_sub(promoted_today))
}

/// What the tightest pool has left beyond the reserve. None: not read yet.
fn remaining_targets<N>(pools: &[(N, PoolAvailability)]) -> Option<u64> {
    let remaining = pools.iter().map(|(_, availability)| match availability {
        PoolAvailability::Available { others, .. } => Some(*others),
        PoolAvailability::Exhausted { .. } => Some(0),
        PoolAvailability::ReadingStale => None,
    });
    remaining.collect::<Option<Vec<u64>>>().map(|counts| counts.into_iter().min().unwrap_or(u64::MAX))
}

fn job(candidate: PromotionCandidate, lane: &Lane, id: JobId, now: Timestamp) -> NewJob {
    let PromotionCandidate { directory, urls, priority } = candidate;
    NewJob {
        id,
        tenant: TenantName::new(Promotion::TENANT),
        weight: 1,
        operation: Operation::Purge,
        priority,
        area: lane.area,
        source: Some("promotion".to_owned()),
        labels: Labels::from([("urls".to_owned(), urls.to_string())]),
        notify: None,
        not_before: None,
        deadline: Some(now + DEADLINE),
        merged: 0,
        verify: false,
        parts: vec![JobPart { lane: lane.clone(), state: PartState::Due, targets: vec![directory] }],
        pair_offset: 0,
        idempotency: None,
        retry_of: None,
        warnings: Vec::new(),
    }
}
