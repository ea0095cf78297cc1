//! Accepting a job: understood, cut into lanes, kept, and only then acknowledged (law 1).

use super::parse_job;
use super::parse_job::JobInput;
use super::routing::{Router, TargetsByDestination};
use super::{Caller, JobView, Service, ServiceError, authorization};
use crate::domain::{ItemOperation, JobRequest, Lane, Operation, TargetKind, Timestamp};
use crate::engine::CounterKey;
use crate::offload::offload_if_large;
use crate::store::{Creation, IdempotencyKey, JobPart, NewJob, PartState};

/// A job that is kept.
#[derive(Debug, Clone)]
pub struct AcceptedJob {
    pub view: JobView,
    /// It was kept before, under the same idempotency key.
    pub replayed: bool,
}

impl Service {
    /// Keeps a job. When this returns, it is on stable storage.
    ///
    /// # Errors
    /// Every fault of the body; a scope that is missing; a key that was used for another body; a store that cannot keep it.
    pub async fn accept(
        &self,
        caller: &Caller,
        input: &JobInput,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<AcceptedJob, ServiceError> {
        // A replay is answered by the job that is kept: whether its body would still be accepted is no question any more.
        if let Some(key) = &idempotency
            && let Some(stored) = self.store.find_by_idempotency_key(&caller.tenant, key).await?
        {
            return self.accepted(caller, stored, None).await;
        }
        let now = self.clock.now();
        let understood = || self.understood(caller, input, idempotency, now);
        let job = offload_if_large(input.is_large(), understood).await?;
        let lane = first_to_wait(&job.parts).cloned();
        let creation = self.store.create_job(job, now).await?;
        self.accepted(caller, creation, lane.as_ref()).await
    }

    /// What is to be kept, if the caller may have it and nothing about it is wrong.
    fn understood(
        &self,
        caller: &Caller,
        input: &JobInput,
        idempotency: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<NewJob, ServiceError> {
        let request = parse_job::understand(input, &self.routes, now).map_err(ServiceError::Invalid)?;
        authorization::allow(caller, &request, input)?;
        let warnings = self.warnings(input, &request);
        Ok(NewJob { warnings, ..self.new_job(caller, request, idempotency, now) })
    }

    async fn accepted(
        &self,
        caller: &Caller,
        creation: Creation,
        lane: Option<&Lane>,
    ) -> Result<AcceptedJob, ServiceError> {
        match creation {
            Creation::Created(job) => {
                tracing::debug!(job.id = %job.id, tenant = %job.tenant, items = job.counts.total(), "job accepted");
                self.lane_statuses.counters.count(CounterKey::Job(job.operation), 1);
                self.notifiers.submitter.notify();
                Ok(AcceptedJob { view: self.view_of_new(*job, lane), replayed: false })
            }
            Creation::Replayed(id) => {
                let job = self.store.job(id, Some(&caller.tenant)).await?.ok_or(ServiceError::NotFound("job"))?;
                Ok(AcceptedJob { view: self.view(job).await?, replayed: true })
            }
            Creation::KeyReused => Err(ServiceError::KeyReused),
        }
    }

    fn new_job(
        &self,
        caller: &Caller,
        request: JobRequest,
        idempotency: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> NewJob {
        let (parts, pair_offset) = parts(&request, &self.areas(request.area, now), now);
        NewJob {
            id: self.random.job_id(now),
            tenant: caller.tenant.clone(),
            weight: caller.weight,
            operation: request.operation,
            priority: request.priority,
            area: request.area,
            source: request.source,
            labels: request.labels,
            notify: request.notify,
            not_before: request.not_before,
            deadline: request.deadline,
            merged: request.merged,
            verify: request.verify,
            parts,
            pair_offset,
            idempotency,
            retry_of: None,
            warnings: Vec::new(),
        }
    }
}

/// The lane of the item that explains best why a new job waits: the last one, or its purge if it waits for that.
pub(super) fn first_to_wait(parts: &[JobPart]) -> Option<&Lane> {
    let last = parts.last()?;
    let free = parts.iter().rev().find(|part| part.state != PartState::Blocked && part.lane.kind == last.lane.kind);
    free.map(|part| &part.lane)
}

/// The job's items by lane. A refresh numbers all its purges first, URLs before directories, and then a prefetch for
/// each URL in the same order, so that the distance between the two of a pair is one number.
pub(super) fn parts(request: &JobRequest, areas: &Router<'_>, now: Timestamp) -> (Vec<JobPart>, u32) {
    let start = match request.not_before {
        Some(moment) if moment > now => PartState::Delayed(moment),
        _ => PartState::Due,
    };
    let (urls, directories) = (areas.places(&request.urls), areas.places(&request.directories));
    let mut parts = Vec::new();
    let mut add = |targets: TargetsByDestination, operation, kind, state| {
        for ((account, own), targets) in targets {
            let mode = (kind == TargetKind::Directory).then_some(request.mode);
            // What is to be purged later may have been cached anywhere by then.
            let is_known_then = operation == ItemOperation::Prefetch || state == PartState::Due;
            let area = own.filter(|_| is_known_then).unwrap_or(request.area);
            let lane = Lane { account, operation, kind, area, mode };
            parts.push(JobPart { lane, state, targets });
        }
    };
    let mut pair_offset = 0;
    match request.operation {
        Operation::Purge => {
            add(urls, ItemOperation::Purge, TargetKind::Url, start);
            add(directories, ItemOperation::Purge, TargetKind::Directory, start);
        }
        Operation::Prefetch => add(urls, ItemOperation::Prefetch, TargetKind::Url, start),
        Operation::Refresh => {
            add(urls.clone(), ItemOperation::Purge, TargetKind::Url, start);
            add(directories, ItemOperation::Purge, TargetKind::Directory, start);
            add(urls, ItemOperation::Prefetch, TargetKind::Url, PartState::Blocked);
            pair_offset = u32::try_from(request.urls.len() + request.directories.len()).unwrap_or(u32::MAX);
        }
    }
    (parts, pair_offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountName, Area, Labels, Mode, Priority, Routes, Target};
    use crate::engine::EngineStatus;

    #[test]
    fn a_refresh_pairs_each_purge_with_the_prefetch_of_the_same_url() {
        let mut routes = Routes::default();
        routes.add("a.example".parse().expect("a pattern"), AccountName::new("a"));
        routes.add("b.example".parse().expect("a pattern"), AccountName::new("b"));
        let targets = |kind, raws: &[&str]| raws.iter().map(|raw| Target::parse(kind, raw).expect("valid")).collect();
        let request = JobRequest {
            operation: Operation::Refresh,
            urls: targets(TargetKind::Url, &["https://b.example/1", "https://a.example/2", "https://b.example/3"]),
            directories: targets(TargetKind::Directory, &["https://a.example/"]),
            merged: 0,
            mode: Mode::Delete,
            area: Area::Own,
            priority: Priority::Normal,
            not_before: None,
            deadline: None,
            labels: Labels::new(),
            source: None,
            verify: true,
            notify: None,
        };
        let outlook = EngineStatus::new(std::sync::Arc::default(), std::sync::Arc::default());
        let now = Timestamp::from_millis(0);
        let (parts, offset) =
            parts(&request, &Router { input: Area::Own, routes: &routes, outlook: &outlook, now }, now);
        let items: Vec<(ItemOperation, &Target)> =
            parts.iter().flat_map(|part| part.targets.iter().map(|target| (part.lane.operation, target))).collect();
        assert_eq!(items.len(), 7);
        for (index, (operation, target)) in items.iter().enumerate().take(3) {
            assert_eq!(*operation, ItemOperation::Purge);
            assert_eq!(items[index + offset as usize], (ItemOperation::Prefetch, *target));
        }
        assert_eq!(items[3].1.kind(), TargetKind::Directory);
    }
}
