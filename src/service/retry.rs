//! Trying again: a new job of what failed or expired, because a final job never changes.

use std::collections::{BTreeMap, HashSet};

use super::accept::first_to_wait;
use super::routing::Router;
use super::{AcceptedJob, Caller, InputError, Service, ServiceError};
use crate::domain::{ItemOperation, JobId, Lane, Operation, Target, TargetKind};
use crate::engine::CounterKey;
use crate::offload::{LARGE_JOB_TARGETS, offload_if_large};
use crate::store::{Creation, Job, JobPart, NewJob, PartState, UnsuccessfulItem};

impl Service {
    /// Makes a new job of a job's failed and expired targets.
    ///
    /// # Errors
    /// Not found; no such targets; a scope or a route that is missing now; a store that cannot keep it.
    pub async fn retry(&self, caller: &Caller, id: JobId) -> Result<AcceptedJob, ServiceError> {
        let job = self.changeable_job(caller, id).await?;
        let unsuccessful = self.store.unsuccessful_items(job.row).await?;
        if unsuccessful.is_empty() {
            return Err(ServiceError::Final("no target of the job failed or expired; there is nothing to retry"));
        }
        self.may_change(caller, &job, unsuccessful.iter().map(|item| &item.target)).await?;
        let now = self.clock.now();
        let is_large = unsuccessful.len() >= LARGE_JOB_TARGETS;
        let id = self.random.job_id(now);
        let again = || new_job(&job, id, &unsuccessful, &self.areas(job.area, now));
        let new = NewJob { weight: caller.weight, ..offload_if_large(is_large, again).await? };
        let lane = first_to_wait(&new.parts).cloned();
        match self.store.create_job(new, now).await? {
            Creation::Created(job) => {
                tracing::info!(job.id = %job.id, retry_of = %id, items = job.counts.total(), "job accepted");
                self.lane_statuses.counters.count(CounterKey::Job(job.operation), 1);
                self.notifiers.submitter.notify();
                Ok(AcceptedJob { view: self.view_of_new(*job, lane.as_ref()), replayed: false })
            }
            // Only a key can lead there, and a retry has none.
            Creation::Replayed(_) | Creation::KeyReused => Err(ServiceError::NotFound("job")),
        }
    }
}

fn new_job(job: &Job, id: JobId, items: &[UnsuccessfulItem], areas: &Router<'_>) -> Result<NewJob, ServiceError> {
    let (parts, pair_offset) = parts(job.operation, items, areas)?;
    Ok(NewJob::again(job, id, parts, pair_offset))
}

/// The items again, in the order that a refresh needs: URL purges, directory purges, the prefetch of each of these URLs at
/// one distance, and last the prefetches whose own purge had succeeded.
fn parts(
    operation: Operation,
    items: &[UnsuccessfulItem],
    areas: &Router<'_>,
) -> Result<(Vec<JobPart>, u32), ServiceError> {
    let of = |operation: ItemOperation, kind: TargetKind| {
        let matching = items.iter().filter(move |item| item.lane.operation == operation && item.lane.kind == kind);
        by_lane(matching, areas)
    };
    let urls = of(ItemOperation::Purge, TargetKind::Url)?;
    let directories = of(ItemOperation::Purge, TargetKind::Directory)?;
    let mut prefetches = of(ItemOperation::Prefetch, TargetKind::Url)?;
    let mut parts = Vec::new();
    push(&mut parts, &urls, PartState::Due);
    push(&mut parts, &directories, PartState::Due);
    let mut pair_offset = 0;
    if operation == Operation::Refresh {
        pair_offset = parts.iter().map(|part| u32::try_from(part.targets.len()).unwrap_or(u32::MAX)).sum();
        let paired: HashSet<&Target> = urls.values().flatten().collect();
        for targets in prefetches.values_mut() {
            targets.retain(|target| !paired.contains(target));
        }
        let follow = urls
            .iter()
            .map(|(lane, targets)| (Lane { operation: ItemOperation::Prefetch, ..lane.clone() }, targets.clone()));
        push(&mut parts, &follow.collect(), PartState::Blocked);
    }
    // What was purged already may still lie below a directory that is purged again.
    let above: HashSet<&str> = directories.values().flatten().map(Target::as_str).collect();
    let is_held = |target: &Target| {
        let text = target.as_str();
        text.match_indices('/').any(|(end, _)| above.contains(&text[..=end]))
    };
    let (mut current, mut free) = (prefetches.clone(), prefetches);
    current.values_mut().for_each(|targets| targets.retain(|target| is_held(target)));
    free.values_mut().for_each(|targets| targets.retain(|target| !is_held(target)));
    push(&mut parts, &current, PartState::Blocked);
    push(&mut parts, &free, PartState::Due);
    Ok((parts, pair_offset))
}

fn push(parts: &mut Vec<JobPart>, lanes: &BTreeMap<Lane, Vec<Target>>, state: PartState) {
    let filled = lanes.iter().filter(|(_, targets)| !targets.is_empty());
    parts.extend(filled.map(|(lane, targets)| JobPart { lane: lane.clone(), state, targets: targets.clone() }));
}

/// The targets by lane: as they were asked for, with the account that serves their host today, and where no area was asked for,
/// with the area that its domain is served in today.
fn by_lane<'a>(
    items: impl Iterator<Item = &'a UnsuccessfulItem>,
    areas: &Router<'_>,
) -> Result<BTreeMap<Lane, Vec<Target>>, ServiceError> {
    let mut lanes: BTreeMap<Lane, Vec<Target>> = BTreeMap::new();
    for UnsuccessfulItem { lane, target } in items {
        let (account, own) = areas.place(target.host()).ok_or_else(|| no_route(target))?;
        let area = own.unwrap_or(areas.input);
        lanes.entry(Lane { account, area, ..lane.clone() }).or_default().push(target.clone());
    }
    Ok(lanes)
}

fn no_route(target: &Target) -> ServiceError {
    let detail = format!("no account serves {} any more; add a route for it to the configuration", target.host());
    ServiceError::Invalid(vec![InputError { pointer: String::new(), code: "no_route", detail }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountName, Area, Mode, Routes, Timestamp};
    use crate::engine::EngineStatus;

    fn item(operation: ItemOperation, kind: TargetKind, raw: &str) -> UnsuccessfulItem {
        let mode = (kind == TargetKind::Directory).then_some(Mode::Delete);
        let lane = Lane { account: AccountName::new("old"), operation, kind, area: Area::Own, mode };
        UnsuccessfulItem { lane, target: Target::parse(kind, raw).expect("valid") }
    }

    #[test]
    fn a_retried_refresh_keeps_each_pair_at_one_distance_and_prefetches_alone_what_was_purged() {
        use ItemOperation::{Prefetch, Purge};
        let mut routes = Routes::default();
        routes.add("a.example".parse().expect("a pattern"), AccountName::new("a"));
        routes.add("b.example".parse().expect("a pattern"), AccountName::new("b"));
        let items = [
            item(Purge, TargetKind::Url, "https://b.example/1"),
            item(Purge, TargetKind::Url, "https://a.example/2"),
            item(Purge, TargetKind::Directory, "https://a.example/img/"),
            item(Prefetch, TargetKind::Url, "https://b.example/1"),
            item(Prefetch, TargetKind::Url, "https://a.example/2"),
            item(Prefetch, TargetKind::Url, "https://a.example/purged"),
            item(Prefetch, TargetKind::Url, "https://a.example/img/purged"),
        ];
        let outlook = EngineStatus::new(std::sync::Arc::default(), std::sync::Arc::default());
        let now = Timestamp::from_millis(0);
        let areas = Router { input: Area::Own, routes: &routes, outlook: &outlook, now };
        let (parts, offset) = parts(Operation::Refresh, &items, &areas).expect("routes");
        let flat: Vec<(PartState, ItemOperation, &Target)> = parts
            .iter()
            .flat_map(|part| part.targets.iter().map(|target| (part.state, part.lane.operation, target)))
            .collect();
        assert_eq!((flat.len(), offset), (7, 3));
        for (index, (state, operation, target)) in flat.iter().enumerate().take(2) {
            assert_eq!((*state, *operation), (PartState::Due, Purge));
            assert_eq!(flat[index + 3], (PartState::Blocked, Prefetch, *target));
        }
        let tail = |place: usize| (flat[place].0, flat[place].2.as_str());
        assert_eq!(tail(5), (PartState::Blocked, "https://a.example/img/purged"), "law 6: its directory goes first");
        assert_eq!(tail(6), (PartState::Due, "https://a.example/purged"));
        assert!(parts.iter().all(|part| part.lane.account.as_str() != "old"), "today's account serves it");
    }
}
