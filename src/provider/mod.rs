//! What any cloud CDN can be asked, in the product's words. Nothing above this floor knows a cloud's name.

mod capabilities;
mod domains;
mod open_string_enum;
pub mod tencent;
mod vendor_reference;

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;

pub use capabilities::{BatchRefusal, Capabilities, OperatorLimits, StatusSource, SupportedOperation, TaskLookup};
pub use domains::{
    CacheKey, CachePolicy, CacheRule, DisableReason, DomainDetail, DomainFacts, DomainQuery, DomainStatus, KeyShape,
    Origin, OriginAddress, OriginKind, PathRule, PathRuleKind, PullProtocol, QueryAction, QueryRule, ServedArea,
    ServiceKind,
};
/// The manual of the only provider there is yet.
pub use tencent::GUIDE;
pub use vendor_reference::{DocPages, EdgeStatus, TypicalDuration, VendorReference};

use crate::domain::{Failure, ItemOperation, Lane, PoolName, PoolReading, Target, TargetKind, Timestamp};

/// The provider's handle of a task: opaque text, never parsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub String);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One of the provider's actions, as far as its call rate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiAction(pub &'static str);

/// One account at one cloud CDN.
///
/// A `submit` is one call, for which the caller already holds a token. The reads may take several calls and ask the
/// turnstile for each, so their cost never grows past the rate.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What can be asked of it, and its limits.
    fn capabilities(&self) -> &Capabilities;

    /// The action that a submission of this lane calls.
    fn submit_action(&self, lane: &Lane) -> ApiAction;

    /// The pools that a submission of this lane draws on: one or two, or none where nothing is counted by the day.
    fn pools(&self, lane: &Lane) -> Vec<PoolName>;

    /// Sends one batch. The batch is never empty and never above the limits.
    async fn submit(&self, lane: &Lane, targets: &[Target]) -> SubmitOutcome;

    /// How far a task is. Few calls, however large the batch, unless rows failed.
    async fn task_progress(&self, task: &TaskQuery, limiter: &dyn CallLimiter) -> Result<TaskProgress, ReadError>;

    /// The targets of a task that are done, as the provider writes them; for a task that takes too long to end. Takes a
    /// call for each page of rows.
    async fn completed_targets(
        &self,
        task: &TaskQuery,
        limiter: &dyn CallLimiter,
    ) -> Result<BTreeSet<String>, ReadError>;

    /// The tasks that the provider lists for one of `query`'s targets in its window, with all their targets.
    async fn find_tasks(&self, query: &FindQuery, limiter: &dyn CallLimiter) -> Result<Vec<ListedTask>, ReadError>;

    /// What is left today of the pools of one operation.
    async fn quota(&self, operation: ItemOperation, limiter: &dyn CallLimiter) -> Result<Vec<PoolReading>, ReadError>;

    /// What the provider knows of its domains. A host that is in none of them is not this account's.
    async fn domains(
        &self,
        query: &DomainQuery,
        detail: DomainDetail,
        limiter: &dyn CallLimiter,
    ) -> Result<Vec<DomainFacts>, ReadError>;

    /// The provider's clock less ours, in milliseconds, as its last answer told it; none: it has not told.
    fn skew_millis(&self) -> Option<i64> {
        None
    }

    /// The call that a submission of this target would make, as text for a support ticket: method, headers and body, with
    /// what it is signed with left out.
    fn call_sample(&self, _lane: &Lane, _target: &Target) -> Option<String> {
        None
    }
}

/// Lets a read call pass when the rate allows it.
#[async_trait]
pub trait CallLimiter: Send + Sync {
    /// Waits for a token of the action.
    async fn acquire(&self, meter: ApiAction);

    /// Notes that the call was refused because there were too many.
    fn on_throttled(&self, meter: ApiAction);

    /// Notes that the call was answered or failed.
    fn release(&self, meter: ApiAction);
}

/// What became of a submission. The submitter has one arm for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The provider named a task.
    Accepted { task: TaskId, request_id: Option<String> },
    /// Too many calls: nothing was done.
    Throttled(Failure),
    /// The day's quota is spent: nothing was done.
    QuotaSpent(Failure),
    /// More targets than one call may carry: nothing was done.
    TooMany(Failure),
    /// Some target, which one is not said, is not acceptable: nothing was done.
    TargetRefused(Failure),
    /// Some host, which one is not said, is not this account's, for good: nothing was done.
    HostRefused(Failure),
    /// Some host, which one is not said, cannot be refreshed as it is (offline, locked, migrating, not permitted), until
    /// somebody changes that: nothing was done.
    HostUnready(Failure),
    /// The account may not (key, clock, permission, suspended): nothing was done, and nothing else will go either.
    AccountRefused(Failure),
    /// The provider failed and said so: nothing was done.
    Outage(Failure),
    /// No byte of the request left (DNS, connect, TLS).
    NotSent(Failure),
    /// The request left and no usable answer came back: it may have been done.
    Lost(Failure),
}

impl SubmitOutcome {
    /// For programs that count answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Throttled(_) => "throttled",
            Self::QuotaSpent(_) => "quota_spent",
            Self::TooMany(_) => "too_many",
            Self::TargetRefused(_) => "target_refused",
            Self::HostRefused(_) => "host_refused",
            Self::HostUnready(_) => "host_unready",
            Self::AccountRefused(_) => "account_refused",
            Self::Outage(_) => "outage",
            Self::NotSent(_) => "not_sent",
            Self::Lost(_) => "lost",
        }
    }
}

/// Which task to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    pub operation: ItemOperation,
    pub task: TaskId,
    /// Distinct targets that were sent.
    pub targets: u32,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskProgress {
    /// The provider does not list it, which is normal right after it was accepted.
    NotListed,
    /// Some row is not final.
    Running,
    /// Every row is final; the rows named here failed, all others are done.
    Ended { failed: Vec<FailedRow> },
}

/// One target that the provider could not refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// As the provider wrote it.
    pub target: String,
    pub failure: Failure,
}

/// Where to look for a submission whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindQuery {
    pub operation: ItemOperation,
    pub kind: TargetKind,
    /// One of the batch's targets.
    pub target: Target,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// A task as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTask {
    pub task: TaskId,
    pub created_at: Timestamp,
    pub targets: BTreeSet<String>,
}

/// Why a read brought nothing. Reads change nothing, so they can always be asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    Throttled(Failure),
    AccountRefused(Failure),
    /// Anything else: not sent, lost, outage, or an answer that makes no sense.
    Failed(Failure),
}

impl ReadError {
    #[must_use]
    pub const fn failure(&self) -> &Failure {
        match self {
            Self::Throttled(failure) | Self::AccountRefused(failure) | Self::Failed(failure) => failure,
        }
    }
}
