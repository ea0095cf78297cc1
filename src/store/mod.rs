//! The memory: what is kept of jobs, items and submissions, and the few changes that can be made to it.
//! Each method is one use and one transaction.

mod claim;
mod diagnosis;
mod event;
mod item;
mod job;
mod lanes;
mod new_job;
pub mod sqlite;
mod submission;
mod token;
mod verification;

pub use claim::{CallSequence, Claim, Grant, LaneDepth, OnlineHosts, SuspendedHost, TenantShare};
pub use diagnosis::{RelevantItem, RetentionCutoff, StoredDiagnosis};
pub use event::{Event, EventKind};
pub use item::{Item, PendingItem, UnsuccessfulItem};
pub use job::{Creation, FreeTextQuery, Job, JobFilter, JobRef, Page};
pub use lanes::{LanePause, LaneRecord};
pub use new_job::{IdempotencyKey, JobPart, NewJob, PartState};
pub use submission::{
    FailedTarget, Guarded, OpenSubmission, QuotaUsage, Release, ReleaseAction, RowRetry, TenantSpending,
};
pub use token::{LiveTokens, Pepper, Revocation, TokenRecord};
pub use verification::{
    DueVerification, HostScan, ItemVerdict, ItemVerification, VerificationRecord, VerificationSample,
};

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::domain::{DiagnosisId, Failure, JobId, Lane, LaneId, Priority, SubmissionId, Target, TenantName, Timestamp};

/// Why the memory could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk is full: nothing was stored.
    #[error("the disk that holds the database is full")]
    DiskFull(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored row breaks a rule of ours.
    #[error("the database holds a row that cannot be: {0}")]
    Damaged(String),
    /// Anything else the database said; nothing was stored.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The writer has stopped.
    #[error("the database is closed")]
    Closed,
}

/// The durable memory of the daemon.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a job. When this returns `Created`, the job is on stable storage (law 1).
    async fn create_job(&self, job: NewJob, now: Timestamp) -> Result<Creation, StoreError>;

    /// What `create_job` would answer for this key of a job that is kept already; none if it would make one.
    async fn find_by_idempotency_key(
        &self,
        tenant: &TenantName,
        key: &IdempotencyKey,
    ) -> Result<Option<Creation>, StoreError>;

    /// One job, if it is `tenant`'s; any tenant's where `tenant` is none.
    async fn job(&self, id: JobId, tenant: Option<&TenantName>) -> Result<Option<Job>, StoreError>;

    /// Jobs, newest first, older than the one numbered `before`.
    async fn jobs(&self, tenant: Option<&TenantName>, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// Jobs that fit, newest first, older than the one numbered `before`. Without a host or a number to go by it walks
    /// over the jobs until enough of them fit.
    async fn find_jobs(&self, filter: &JobFilter, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// One of a job's pending items, the one most worth explaining, if any is pending.
    async fn example_pending_item(&self, job: JobRef, now: Timestamp) -> Result<Option<PendingItem>, StoreError>;

    /// A job's items after `page.after`, in the order they were asked for.
    async fn items(&self, job: JobRef, page: Page) -> Result<Vec<Item>, StoreError>;

    /// A job's events after `page.after`, oldest first.
    async fn events(&self, job: JobRef, page: Page) -> Result<Vec<Event>, StoreError>;

    /// The last events of a job, at most `limit`, oldest first.
    async fn last_events(&self, job: JobRef, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Ends a job's pending items as `cancelled`, and marks those that were sent: if they come back, they end so too.
    /// `Late`: no item is open.
    async fn cancel(&self, job: JobRef, now: Timestamp) -> Result<Guarded, StoreError>;

    /// The targets of a job, in the order they were asked for; one that is purged and prefetched stands there twice.
    async fn job_targets(&self, job: JobRef) -> Result<Vec<Target>, StoreError>;

    /// A job's failed and expired items, in the order they were asked for.
    async fn unsuccessful_items(&self, job: JobRef) -> Result<Vec<UnsuccessfulItem>, StoreError>;

    /// Every lane with items that are due, by priority.
    async fn lane_depths(&self) -> Result<Vec<LaneDepth>, StoreError>;

    /// The next due items of a URL lane that were never covered by a directory, at most `limit` of each priority.
    async fn next_items(&self, lane: LaneId, limit: u32) -> Result<Vec<(Target, Priority)>, StoreError>;

    /// Which of these targets are pending in the lane.
    async fn pending_targets(&self, lane: &Lane, targets: &[Target]) -> Result<Vec<Target>, StoreError>;

    /// How many jobs the tenant made since then, counted up to `limit`.
    async fn jobs_since(&self, tenant: &TenantName, since: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// Every lane that was ever used, whatever is in it.
    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError>;

    /// Holds a lane back: nothing of it is claimed any more. `Late`: it is paused already, or there is no such lane.
    async fn pause_lane(&self, lane: LaneId, pause: LanePause) -> Result<Guarded, StoreError>;

    /// Lets a paused lane go on; `by` is kept beside the pause. `Late`: it was not paused.
    async fn resume_lane(&self, lane: LaneId, by: &str, now: Timestamp) -> Result<Guarded, StoreError>;

    /// The next moment at which an item becomes due or passes its deadline; in the past if that is overdue.
    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Moves delayed items whose moment has come to the due ones, and ends pending items past their deadline.
    async fn fire_timers(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Takes the next distinct targets of a lane into a submission that is on disk as `sending`. What may not go is set
    /// aside on the way: targets whose earlier call has no answer (law 4), and hosts that the provider refused. Due URL purges
    /// below directories that are claimed go with them, unless they did before (law 5). Hosts that no call was accepted for go
    /// apart from others, and few together. None: nothing
    /// can go, or so much was set aside that it takes another look.
    async fn claim(&self, grant: Grant, now: Timestamp) -> Result<Option<Claim>, StoreError>;

    /// The provider named a task: `sending` or `ambiguous` becomes `accepted`. `Late`: it was in another state, or the
    /// task is known under another submission.
    async fn accept(
        &self,
        id: SubmissionId,
        task: &str,
        request_id: Option<&str>,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError>;

    /// Gives a submission's items back, fails them, or splits them, as `back` says.
    async fn release(&self, id: SubmissionId, back: Release, now: Timestamp) -> Result<Guarded, StoreError>;

    /// The answer was lost: `sending` becomes `ambiguous`, to be looked for at `due_at`.
    async fn mark_ambiguous(
        &self,
        id: SubmissionId,
        failure: Failure,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError>;

    /// Every submission found `sending` becomes `ambiguous`: its sender is dead. Returns how many there were.
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Submissions that are on disk as `sending`. Few: what may be in flight.
    async fn sending_submissions(&self) -> Result<Vec<OpenSubmission>, StoreError>;

    /// Submissions of one state, `accepted` or `ambiguous`, that want a look at `now`; and the next moment one will.
    async fn due_submissions(
        &self,
        ambiguous: bool,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<OpenSubmission>, Option<Timestamp>), StoreError>;

    /// Looks again later.
    async fn postpone(&self, id: SubmissionId, due_at: Timestamp) -> Result<Guarded, StoreError>;

    /// Every row of the task is final: records the end of each item.
    async fn settle(
        &self,
        id: SubmissionId,
        failed: Vec<FailedTarget>,
        retry: RowRetry,
        now: Timestamp,
    ) -> Result<Guarded, StoreError>;

    /// Removes at most `limit` idempotency keys of before `before` whose jobs are final, and tells how many.
    async fn delete_expired_keys(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// The distinct targets of an open submission.
    async fn targets(&self, id: SubmissionId) -> Result<Vec<Target>, StoreError>;

    /// Which of these tasks some submission already has.
    async fn tasks_with_submissions(&self, tasks: &[String]) -> Result<Vec<String>, StoreError>;

    /// Distinct targets that may have been charged since `since`, by lane.
    async fn usage_since(&self, since: Timestamp) -> Result<Vec<QuotaUsage>, StoreError>;

    /// The same of tenants whose share was bounded when they were claimed for, by lane and tenant.
    async fn tenant_usage_since(&self, since: Timestamp) -> Result<Vec<TenantSpending>, StoreError>;

    /// Finished jobs that want a look at the edge, longest due first, and the next moment one will.
    async fn due_verifications(
        &self,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<Timestamp>), StoreError>;

    /// The same of a few hosts: what waits behind a pile of another host's. And the host after which to go on; none: all were
    /// seen.
    async fn due_verifications_by_host(
        &self,
        walk: HostScan,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<String>), StoreError>;

    /// At most `limit` succeeded items of a job, the same ones every time.
    async fn sample_succeeded_items(&self, job: JobRef, limit: u32) -> Result<Vec<VerificationSample>, StoreError>;

    /// URLs below a directory that jobs named of late, newest first; at most `limit`.
    async fn recent_urls_below(&self, directory: &Target, limit: u32) -> Result<Vec<Target>, StoreError>;

    /// Records what was seen at the edge, and either the job's verdict or when to look again.
    async fn record_verification(
        &self,
        job: JobRef,
        seen: VerificationRecord,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The item of a job that tells most of what went wrong, or of its items with that target; none if it has no such.
    async fn most_relevant_item(
        &self,
        job: JobRef,
        target: Option<&Target>,
    ) -> Result<Option<RelevantItem>, StoreError>;

    /// Keeps a diagnosis until it is outdated.
    async fn insert_diagnosis(&self, stored_diagnosis: StoredDiagnosis) -> Result<(), StoreError>;

    /// One diagnosis, if it is `tenant`'s; any tenant's where `tenant` is none.
    async fn diagnosis(
        &self,
        id: DiagnosisId,
        tenant: Option<&TenantName>,
    ) -> Result<Option<StoredDiagnosis>, StoreError>;

    /// The last diagnosis that a job was given.
    async fn newest_diagnosis(&self, job: JobId) -> Result<Option<StoredDiagnosis>, StoreError>;

    /// Removes outdated diagnoses, at most `limit` for either reason, and tells how many.
    async fn delete_expired_diagnoses(&self, outdated: RetentionCutoff, limit: u32) -> Result<u64, StoreError>;

    /// The distinct hosts of a job's targets.
    async fn hosts(&self, job: JobRef) -> Result<Vec<String>, StoreError>;

    /// Every token that is not revoked; some may have expired.
    async fn tokens(&self) -> Result<LiveTokens, StoreError>;

    /// Whether the database takes changes: waits for the turn of one that changes nothing.
    async fn check_writable(&self) -> Result<(), StoreError>;

    /// Waits until every change asked for before has been made.
    async fn drain(&self, grace: Duration);
}
