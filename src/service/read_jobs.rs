//! Looking: one's own jobs, their items and their history, and why something waits.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Caller, Service, ServiceError};
use crate::domain::{ErrorClass, Failure, JobId, Lane, Timestamp, WaitingReason};
use crate::engine::Wait;
use crate::store::{Event, Item, Job, JobRef, Page, PartState, PendingItem};

/// A job as a caller sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    pub job: Job,
    /// Set while any item is pending.
    pub waiting: Option<JobWait>,
}

/// A page of jobs. It can be shorter than was asked for, since not every job is for every caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPage {
    pub views: Vec<JobView>,
    /// Names the next page, if there is one.
    pub next: Option<i64>,
}

/// Why a job's pending items have not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWait {
    pub why: Wait,
    /// Items that may leave before: an upper bound.
    pub ahead: u64,
}

/// Whoever waits for a job looks again this often, whatever was rung.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Service {
    /// # Errors
    /// Not found, or another tenant's.
    pub async fn job(&self, caller: &Caller, id: JobId) -> Result<JobView, ServiceError> {
        let job = self.visible_job(caller, id).await?;
        self.view(job).await
    }

    /// The jobs that the caller may see, each with the reason why it waits.
    pub(super) async fn page(&self, caller: &Caller, jobs: Vec<Job>, limit: u32) -> Result<JobPage, ServiceError> {
        let is_full = jobs.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = jobs.last().filter(|_| is_full).map(|job| job.row.number());
        let mut views = Vec::new();
        for job in jobs {
            if self.may_see_hosts(caller, job.row).await? {
                views.push(self.view(job).await?);
            }
        }
        Ok(JobPage { views, next })
    }

    /// # Errors
    /// The job is not found, or another tenant's.
    pub async fn items(&self, caller: &Caller, id: JobId, page: Page) -> Result<Vec<Item>, ServiceError> {
        let job = self.row(caller, id).await?;
        Ok(self.store.items(job, page).await?)
    }

    /// # Errors
    /// The job is not found, or another tenant's.
    pub async fn events(&self, caller: &Caller, id: JobId, page: Page) -> Result<Vec<Event>, ServiceError> {
        let job = self.row(caller, id).await?;
        Ok(self.store.events(job, page).await?)
    }

    /// A job that the caller was shown, as soon as its status is final or nobody may wait any longer, at the latest at
    /// `until`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn wait_final(
        &self,
        id: JobId,
        enough: &CancellationToken,
        until: Timestamp,
    ) -> Result<JobView, ServiceError> {
        let mut changed = self.notifiers.jobs.subscribe();
        loop {
            let job = self.store.job(id, None).await?.ok_or(ServiceError::NotFound("job"))?;
            let view = self.view(job).await?;
            let now = self.clock.now();
            if view.job.finished_at.is_some() || now >= until || enough.is_cancelled() {
                return Ok(view);
            }
            tokio::select! {
                () = changed.notified() => {}
                () = enough.cancelled() => {}
                () = self.clock.sleep_until((now + LOOK_INTERVAL).min(until)) => {}
            }
        }
    }

    /// The job with the reason why it waits, if it does.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn view(&self, job: Job) -> Result<JobView, ServiceError> {
        let now = self.clock.now();
        let example = if job.counts.pending > 0 { self.store.example_pending_item(job.row, now).await? } else { None };
        let waiting = example.map(|example| {
            let PendingItem { lane, state, wait, purge_first: purge, failure } = example;
            let (lane, due) = self.lane_statuses.lane(lane);
            let why = match (state, wait) {
                (PartState::Delayed(_), Some((WaitingReason::PurgeFirst, detail))) => {
                    let own = purge.filter(|(_, tenant)| *tenant == job.tenant).map(|(purge, _)| purge);
                    Some(purge_of_job_first(detail, own))
                }
                (PartState::Delayed(until), Some((reason, detail))) => {
                    Some(Wait { reason, detail, until: Some(until) })
                }
                (PartState::Delayed(until), None) => Some(delayed(&job, failure.as_ref(), until)),
                (PartState::Blocked, _) => Some(purge_first()),
                (PartState::Due, _) => None,
            };
            JobWait::of(why, lane, due)
        });
        Ok(JobView { job, waiting })
    }

    /// The same for a job that was kept a moment ago. Nothing of it has left, so the store need not be asked: a read for
    /// each job that comes in would cost more than keeping it.
    pub(super) fn view_of_new(&self, job: Job, lane: Option<&Lane>) -> JobView {
        let until = job.not_before.filter(|moment| *moment > job.created_at);
        let waiting = lane.map(|lane| {
            let (lane, due) = self.lane_statuses.lane_by_value(lane);
            JobWait::of(until.map(|until| delayed(&job, None, until)), lane, due)
        });
        JobView { job, waiting }
    }

    async fn row(&self, caller: &Caller, id: JobId) -> Result<JobRef, ServiceError> {
        Ok(self.visible_job(caller, id).await?.row)
    }

    /// The job, if it exists for this caller. What they may not see is not told from what does not exist.
    pub(super) async fn visible_job(&self, caller: &Caller, id: JobId) -> Result<Job, ServiceError> {
        let job = self.store.job(id, caller.visible()?).await?.ok_or(ServiceError::NotFound("job"))?;
        if self.may_see_hosts(caller, job.row).await? { Ok(job) } else { Err(ServiceError::NotFound("job")) }
    }

    /// A reader of some hosts sees the jobs that touch no other: a job is shown whole or not at all.
    pub(super) async fn may_see_hosts(&self, caller: &Caller, job: JobRef) -> Result<bool, ServiceError> {
        if caller.scopes.may_read_all_hosts() {
            return Ok(true);
        }
        Ok(self.store.hosts(job).await?.iter().all(|host| caller.scopes.may_read_host(host)))
    }
}

impl JobWait {
    /// Of an item that waits for a reason of its own, or for its lane, which has `due` items.
    fn of(own: Option<Wait>, lane: Option<Wait>, due: u64) -> Self {
        match own {
            Some(why) => Self { why, ahead: due },
            None => Self { why: lane.unwrap_or_else(leaves_next), ahead: due.saturating_sub(1) },
        }
    }
}

fn leaves_next() -> Wait {
    let detail = "queued for one of the next calls".to_owned();
    Wait { reason: WaitingReason::Rate, detail, until: None }
}

/// Nothing is delayed for two reasons at once.
fn delayed(job: &Job, failure: Option<&Failure>, until: Timestamp) -> Wait {
    let reason = match failure.map(|failure| failure.class) {
        Some(ErrorClass::DomainState | ErrorClass::Permission) => WaitingReason::HostParked,
        Some(_) => WaitingReason::Backoff,
        None if job.not_before == Some(until) => WaitingReason::NotBefore,
        None => WaitingReason::Backoff,
    };
    let detail = match failure {
        Some(failure) => failure.summary_with_advice(),
        None if reason == WaitingReason::NotBefore => "the job asked not to be sent before this moment".to_owned(),
        None => "it is tried again".to_owned(),
    };
    Wait { reason, detail, until: Some(until) }
}

/// Behind a purge of another job, which is named if it is of the same tenant. When that ends is not known.
fn purge_of_job_first(detail: String, purge: Option<JobId>) -> Wait {
    let detail = match purge {
        Some(purge) => format!("{detail}: {purge}"),
        None => detail,
    };
    Wait { reason: WaitingReason::PurgeFirst, detail, until: None }
}

pub(super) fn purge_first() -> Wait {
    let detail = "the prefetch goes when the purge of the same URL is done".to_owned();
    Wait { reason: WaitingReason::PurgeFirst, detail, until: None }
}
