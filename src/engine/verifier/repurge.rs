//! The second purge, where an operator opted in: URLs that stay stale are purged once more, by a job of its own, once, if
//! the day quota has room. Never for bulk work, which is no hurry and much.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::observation::TargetObservation;
use crate::clock;
use crate::domain::{
    Area, ItemOperation, JobId, Lane, Mode, Operation, Priority, Target, TargetKind, Timestamp, Verification,
};
use crate::engine::{Accounts, EngineStatus};
use crate::store::{Creation, IdempotencyKey, Job, JobPart, NewJob, PartState, Store, StoreError};

/// Who asks for it, in the new job's `source`.
const SOURCE: &str = "verify";

/// Makes the second job, and tells its id and how many URLs it purges. Asked again for the same job, it makes no other.
pub(super) async fn purge_again(
    job: &Job,
    viewed: &[TargetObservation],
    accounts: &Accounts,
    store: &Arc<dyn Store>,
    now: Timestamp,
) -> Result<Option<(JobId, usize)>, StoreError> {
    // Where no area was asked for, the domain may have moved since.
    let area = |lane: &Lane, target: &Target| match accounts.get(&lane.account) {
        Some(account) if job.area == Area::Own => account.area_of(target.host(), now),
        _ => lane.area,
    };
    let lanes = stale(viewed, area);
    let targets = lanes.values().map(Vec::len).sum();
    if targets == 0 || job.priority == Priority::Bulk || job.source.as_deref() == Some(SOURCE) {
        return Ok(None);
    }
    if !has_room(&lanes, &EngineStatus::new(accounts.clone(), Arc::default()), now) {
        tracing::warn!(job.id = %job.id, targets, "no second purge: the day quota has no room for it");
        return Ok(None);
    }
    let deps = lanes.into_iter().map(|(lane, targets)| JobPart { lane, state: PartState::Due, targets }).collect();
    // A client's key has no space in it, so nobody else can have this one.
    let key = IdempotencyKey { key: format!("{SOURCE} {}", job.id), fingerprint: [0; 32] };
    let new = NewJob {
        operation: Operation::Purge,
        source: Some(SOURCE.to_owned()),
        verify: true,
        idempotency: Some(key),
        ..NewJob::again(job, clock::job_id(), deps, 0)
    };
    Ok(match store.create_job(new, now).await? {
        Creation::Created(again) => Some((again.id, targets)),
        Creation::Replayed(id) => Some((id, targets)),
        Creation::KeyReused => None,
    })
}

/// The URLs that were purged and are stale, by the lane that they are purged in. Who only asked for a prefetch asked for no
/// purge, and may not be allowed one.
fn stale(viewed: &[TargetObservation], area: impl Fn(&Lane, &Target) -> Area) -> BTreeMap<Lane, Vec<Target>> {
    let mut lanes: BTreeMap<Lane, Vec<Target>> = BTreeMap::new();
    let stale = viewed.iter().filter(|view| view.verification == Verification::Stale);
    for view in stale.filter(|view| view.target.kind() == TargetKind::Url) {
        let purged = view.lanes.iter().find(|lane| lane.operation == ItemOperation::Purge);
        if let Some(lane) = purged {
            let area = area(lane, &view.target);
            lanes.entry(Lane { area, mode: None::<Mode>, ..lane.clone() }).or_default().push(view.target.clone());
        }
    }
    lanes
}

/// Whether each lane's pools have as much as is needed, beside what is reserved.
fn has_room(lanes: &BTreeMap<Lane, Vec<Target>>, outlook: &EngineStatus, now: Timestamp) -> bool {
    lanes.iter().all(|(lane, targets)| {
        outlook.lane(lane, now).is_some_and(|lane| {
            let needed = targets.len() as u64;
            !lane.quota_is_unknown && lane.pools.iter().all(|pool| pool.available >= pool.reserved + needed)
        })
    })
}
