//! The second purge, if an operator configured it: stale URLs are purged once more by a new job, if the day quota has room.
//! Never for bulk jobs, which are large and not urgent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::observation::TargetObservation;
use crate::domain::{
    Area, ItemOperation, JobId, Lane, Mode, Operation, Priority, Target, TargetKind, Timestamp, Verification,
};
use crate::engine::{Accounts, EngineStatus};
use crate::store::{Creation, IdempotencyKey, Job, JobPart, NewJob, PartState, Store, StoreError};

/// The `source` of the new job.
const SOURCE: &str = "verify";

/// Creates the second job, and returns its id and number of URLs. Called again for the same job, it creates no other.
pub(super) async fn purge_again(
    job: &Job,
    observations: &[TargetObservation],
    accounts: &Accounts,
    store: &Arc<dyn Store>,
    id: JobId,
    now: Timestamp,
) -> Result<Option<(JobId, usize)>, StoreError> {
    // If the job named no area, the domain may have moved since.
    let area = |lane: &Lane, target: &Target| match accounts.get(&lane.account) {
        Some(account) if job.area == Area::Own => account.area_of(target.host(), now),
        _ => lane.area,
    };
    let lanes = stale(observations, area);
    let targets = lanes.values().map(Vec::len).sum();
    if targets == 0 || job.priority == Priority::Bulk || job.source.as_deref() == Some(SOURCE) {
        return Ok(None);
    }
    if !has_room(&lanes, &EngineStatus::new(accounts.clone(), Arc::default()), now) {
        tracing::warn!(job.id = %job.id, targets, "no second purge: the day quota has no room for it");
        return Ok(None);
    }
    let deps = lanes.into_iter().map(|(lane, targets)| JobPart { lane, state: PartState::Due, targets }).collect();
    // A client's key has no space in it, so no client can use this one.
    let key = IdempotencyKey { key: format!("{SOURCE} {}", job.id), fingerprint: [0; 32] };
    let new = NewJob {
        operation: Operation::Purge,
        source: Some(SOURCE.to_owned()),
        verify: true,
        idempotency: Some(key),
        ..NewJob::again(job, id, deps, 0)
    };
    Ok(match store.create_job(new, now).await? {
        Creation::Created(second) => Some((second.id, targets)),
        Creation::Replayed(id) => Some((id, targets)),
        Creation::KeyReused => None,
    })
}

/// The URLs that were purged and are stale, by lane. A job that only prefetched did not ask for a purge, and may not be allowed
/// one.
fn stale(observations: &[TargetObservation], area: impl Fn(&Lane, &Target) -> Area) -> BTreeMap<Lane, Vec<Target>> {
    let mut lanes: BTreeMap<Lane, Vec<Target>> = BTreeMap::new();
    let stale = observations.iter().filter(|observation| observation.verification == Verification::Stale);
    for observation in stale.filter(|observation| observation.target.kind() == TargetKind::Url) {
        let purged = observation.lanes.iter().find(|lane| lane.operation == ItemOperation::Purge);
        if let Some(lane) = purged {
            let area = area(lane, &observation.target);
            lanes
                .entry(Lane { area, mode: None::<Mode>, ..lane.clone() })
                .or_default()
                .push(observation.target.clone());
        }
    }
    lanes
}

/// Whether each lane's pools have room for its URLs beside the reserve.
fn has_room(lanes: &BTreeMap<Lane, Vec<Target>>, outlook: &EngineStatus, now: Timestamp) -> bool {
    lanes.iter().all(|(lane, targets)| {
        outlook.lane(lane, now).is_some_and(|lane| {
            let needed = targets.len() as u64;
            !lane.quota_is_unknown && lane.pools.iter().all(|pool| pool.available >= pool.reserved + needed)
        })
    })
}
