//! From a job, a URL or a host to a case: what was asked, what became of it, and how the account stands.

use std::time::Duration;

use super::DiagnosisService;
use crate::diagnose::{
    AccountContext, AccountSnapshot, AccountStatusSource, Attempt, CurrentWait, DiagnosisInput, JobContext,
    KnownDomainState, NearRelation, NearTarget, PoolSnapshot,
};
use crate::domain::{
    AccountName, Area, ItemOperation, ItemState, Lane, Mode, Subject, Target, TargetKind, TenantName, WaitingReason,
};
use crate::engine::{AccountStatus, EngineStatus, PoolStatus};
use crate::service::read_jobs::JobWait;
use crate::service::{Caller, ServiceError};
use crate::store::{Event, EventKind, Job, JobFilter, RelevantItem};

/// How far back a job is looked for that named a URL: after that the answer would be about other content.
const JOB_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Events of a job that a case holds: the last ones, for they tell how it stands now.
const ATTEMPTS_MAX: u32 = 100;
/// Directories above a URL that are looked for, from its own up: each is a question to the store.
const DIRECTORIES_MAX: usize = 128;
/// Jobs of the host, the newest ones, whose targets are compared with a URL that no job named; and targets of a job that is
/// small enough for that.
const NEAR_JOBS_MAX: u32 = 50;
const NEAR_TARGETS_MAX: u32 = 2_000;

impl DiagnosisService {
    /// About the item of the job that tells most.
    pub(super) async fn case_of_job(&self, job: Job) -> Result<DiagnosisInput, ServiceError> {
        let subject = Subject::Job(job.id);
        let telling =
            self.service.store.most_relevant_item(job.row, None).await?.ok_or(ServiceError::NotFound("job"))?;
        let target = telling.item.target.clone();
        self.case(subject, target, Some((job, telling))).await
    }

    /// About the URL, with the newest job of the caller's that named it or a directory above it.
    pub(super) async fn case_of_url(&self, caller: &Caller, target: Target) -> Result<DiagnosisInput, ServiceError> {
        let job = self.newest_with(caller, &target).await?;
        let near = if job.is_none() { self.near_target(caller, &target).await? } else { None };
        let case = self.case(Subject::Url(target.clone()), target, job).await?;
        Ok(DiagnosisInput { near, ..case })
    }

    /// About the host's home page.
    pub(super) async fn case_of_host(&self, host: String) -> Result<DiagnosisInput, ServiceError> {
        let home = Target::parse(TargetKind::Url, &format!("https://{host}/"));
        let home = home.map_err(|fault| super::wrong("/host", fault.code, fault.detail))?;
        self.case(Subject::Host(host), home, None).await
    }

    async fn newest_with(&self, caller: &Caller, target: &Target) -> Result<Option<(Job, RelevantItem)>, ServiceError> {
        // Who may not look at jobs is diagnosed without.
        let Ok(tenant) = caller.visible() else { return Ok(None) };
        let mut newest: Option<(Job, RelevantItem)> = None;
        for named in std::iter::once(target.clone()).chain(directories_above(target)) {
            let job = self.newest_that_names(tenant, &named).await?;
            let is_newer = |job: &Job| newest.as_ref().is_none_or(|(entry, _)| entry.created_at < job.created_at);
            let Some(job) = job.filter(is_newer) else { continue };
            let telling = self.service.store.most_relevant_item(job.row, Some(&named)).await?;
            // The home page as a URL is no purge of the site.
            let covers = |telling: &RelevantItem| {
                named.as_str() == target.as_str() || telling.item.target.kind() == TargetKind::Directory
            };
            if let Some(telling) = telling.filter(covers)
                && self.service.may_see_hosts(caller, job.row).await?
            {
                newest = Some((job, telling));
            }
        }
        Ok(newest)
    }

    /// What a job of the caller's named that people may take for the URL, if none named the URL itself.
    async fn near_target(&self, caller: &Caller, target: &Target) -> Result<Option<NearTarget>, ServiceError> {
        let Ok(tenant) = caller.visible() else { return Ok(None) };
        let filter = JobFilter {
            tenant: tenant.cloned(),
            host: Some(target.host().to_owned()),
            since: Some(self.service.clock.now() - JOB_AGE_MAX),
            ..JobFilter::default()
        };
        let domain = self.domain(target);
        let facts = match &domain {
            KnownDomainState::Facts(facts) => Some(facts.as_ref()),
            _ => None,
        };
        for job in self.service.store.find_jobs(&filter, None, NEAR_JOBS_MAX).await? {
            if job.counts.total() > NEAR_TARGETS_MAX || !self.service.may_see_hosts(caller, job.row).await? {
                continue;
            }
            let targets = self.service.store.job_targets(job.row).await?;
            let near = |named: Target| Some((NearRelation::between(target, &named, facts)?, named));
            if let Some((how, named)) = targets.into_iter().find_map(near) {
                return Ok(Some(NearTarget { job: job.id, named, how }));
            }
        }
        Ok(None)
    }

    async fn newest_that_names(
        &self,
        tenant: Option<&TenantName>,
        target: &Target,
    ) -> Result<Option<Job>, ServiceError> {
        let filter = JobFilter {
            tenant: tenant.cloned(),
            host: Some(target.host().to_owned()),
            target: Some(target.as_str().to_owned()),
            since: Some(self.service.clock.now() - JOB_AGE_MAX),
            ..JobFilter::default()
        };
        Ok(self.service.store.find_jobs(&filter, None, 1).await?.pop())
    }

    async fn case(
        &self,
        subject: Subject,
        target: Target,
        input: Option<(Job, RelevantItem)>,
    ) -> Result<DiagnosisInput, ServiceError> {
        let lane = match &input {
            Some((_, telling)) => Some(telling.lane.clone()),
            None => self.usual_lane(&target),
        };
        let circumstances = self.circumstances(lane.as_ref(), &target);
        let request = match input {
            Some((job, telling)) => Some(self.request(job, telling).await?),
            None => None,
        };
        let mut edges = self.probed.edges.get(target.host()).into_iter().flatten().copied();
        let (edge, other_edges) = (edges.next(), edges.collect());
        let origin = self.probed.origins.get(target.host()).copied();
        Ok(DiagnosisInput { subject, target, request, near: None, circumstances, edge, other_edges, origin })
    }

    /// The lane of a plain purge of the target.
    fn usual_lane(&self, target: &Target) -> Option<Lane> {
        let account = self.service.routes.account_for(target.host())?.clone();
        let kind = target.kind();
        let mode = (kind == TargetKind::Directory).then_some(Mode::Delete);
        Some(Lane { account, operation: ItemOperation::Purge, kind, area: Area::Own, mode })
    }

    /// The lane that the request travelled in, or would.
    pub(super) fn lane_of(&self, case: &DiagnosisInput, request: &JobContext) -> Option<Lane> {
        let account = case.circumstances.account.as_ref()?.name.clone();
        let area = request.area.unwrap_or(Area::Own);
        Some(Lane { account, operation: request.operation, kind: request.kind, area, mode: request.mode })
    }

    fn circumstances(&self, lane: Option<&Lane>, target: &Target) -> AccountContext {
        let (outlook, now) = (&self.service.engine_status, self.service.clock.now());
        let account = lane.and_then(|lane| outlook.account(&lane.account)).map(account);
        let pools = lane.and_then(|lane| outlook.lane(lane, now)).map(|lane| lane.pools).unwrap_or_default();
        let pools = pools.into_iter().map(pool).collect();
        AccountContext { account, pools, domain: self.domain(target) }
    }

    /// What the provider told of the domain that serves the target.
    fn domain(&self, target: &Target) -> KnownDomainState {
        let (outlook, host) = (&self.service.engine_status, target.host());
        match (outlook.domain(host), outlook.domains_failed(host), outlook.domains_read_at(host)) {
            (Some(domain), _, _) => KnownDomainState::Facts(Box::new(domain.facts.as_ref().clone())),
            (None, Some(failure), _) => KnownDomainState::Failed(failure),
            (None, None, Some(_)) => KnownDomainState::NoSuchDomain,
            (None, None, None) => KnownDomainState::NotYet,
        }
    }

    async fn request(&self, job: Job, telling: RelevantItem) -> Result<JobContext, ServiceError> {
        let attempts = self.attempts(&job).await?;
        let (id, request, priority, source) = (job.id, job.operation, job.priority, job.source.clone());
        let (created_at, finished_at) = (job.created_at, job.finished_at);
        let RelevantItem { item, lane, sent_at, failures } = telling;
        let waiting = match item.state {
            ItemState::Pending => self.service.view(job).await?.waiting.map(hold),
            ItemState::Submitted if item.task_id.is_none() => attempts.last().and_then(unanswered),
            _ => None,
        };
        Ok(JobContext {
            job: id,
            named: item.target.clone(),
            input: request,
            operation: item.operation,
            kind: item.target.kind(),
            mode: lane.mode,
            area: (lane.area != Area::Own).then_some(lane.area),
            priority,
            source,
            state: item.state,
            verification: item.verification,
            failure: item.failure,
            task_id: item.task_id,
            request_id: item.request_id,
            created_at,
            submitted_at: sent_at,
            finished_at,
            waiting,
            attempts: attempts.iter().map(attempt).collect(),
            failures,
        })
    }

    /// The last of what happened to the job's calls.
    async fn attempts(&self, job: &Job) -> Result<Vec<Event>, ServiceError> {
        let mut attempts = self.service.store.last_events(job.row, ATTEMPTS_MAX).await?;
        attempts.retain(|event| event.kind != EventKind::Accepted);
        Ok(attempts)
    }
}

/// What a purge can have named to drop the URL with all around it, deepest first.
fn directories_above(target: &Target) -> Vec<Target> {
    let path = target.as_str().split('?').next().unwrap_or_default();
    let host_at = path.find("://").map_or(0, |at| at + 3);
    let slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| *at >= host_at);
    let above = slashes.filter_map(|at| Target::parse(TargetKind::Directory, &path[..=at]).ok());
    let mut above: Vec<Target> = above.filter(|above| above.as_str() != target.as_str()).collect();
    above.reverse();
    above.truncate(DIRECTORIES_MAX);
    above
}

impl AccountStatusSource for EngineStatus {
    fn account(&self, name: &AccountName) -> Option<AccountSnapshot> {
        Self::account(self, name).map(account)
    }
}

fn attempt(event: &Event) -> Attempt {
    let mut what = format!("{}: {}", event.kind, event.message);
    if let Some(items) = event.items {
        what.push_str(&format!(" ({items} {})", if items == 1 { "item" } else { "items" }));
    }
    if let Some(task) = &event.task_id {
        what.push_str(&format!(", task {task}"));
    }
    if let Some(failure) = &event.failure {
        what.push_str(&format!("; {} ({}): {}", failure.code, failure.class, failure.message));
        if let Some(id) = &failure.request_id {
            what.push_str(&format!(", request {id}"));
        }
    }
    Attempt { at: event.at, what }
}

/// A call whose answer was lost waits until the provider's list has settled what became of it.
fn unanswered(last: &Event) -> Option<CurrentWait> {
    let is_ambiguous = last.kind == EventKind::Ambiguous;
    let detail = last.failure.as_ref().map_or_else(|| last.message.clone(), |failure| failure.message.clone());
    is_ambiguous.then_some(CurrentWait { reason: WaitingReason::Reconciling, detail, until: None })
}

fn hold(waiting: JobWait) -> CurrentWait {
    CurrentWait { reason: waiting.why.reason, detail: waiting.why.detail, until: waiting.why.until }
}

fn account(outlook: AccountStatus) -> AccountSnapshot {
    let AccountStatus { name, paused, refused_actions, unread_quotas, skew_millis, throttled_at } = outlook;
    AccountSnapshot { name, paused, refused_actions, unread_quotas, skew_millis, throttled_at }
}

fn pool(outlook: PoolStatus) -> PoolSnapshot {
    PoolSnapshot {
        name: outlook.name,
        operation: outlook.operation,
        kind: outlook.kind,
        area: outlook.area,
        total: outlook.total,
        available: outlook.available,
        ours: outlook.used,
        batch: outlook.batch,
        resets_at: outlook.resets_at,
        read_at: outlook.read_at,
    }
}
