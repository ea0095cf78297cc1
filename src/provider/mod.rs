//! What any cloud CDN can be asked, in the product's words. Nothing above this floor knows a cloud's name.

mod calls;
mod capabilities;
mod domains;
mod open_string_enum;
mod tasks;
pub mod tencent;
mod vendor_reference;

use std::collections::BTreeSet;

use async_trait::async_trait;

pub use calls::{ApiAction, CallLimiter, ReadError, SubmitOutcome};
pub use capabilities::{BatchRefusal, Capabilities, OperatorLimits, StatusSource, SupportedOperation, TaskLookup};
pub use domains::{
    CacheKey, CachePolicy, CacheRule, DisableReason, DomainDetail, DomainFacts, DomainQuery, DomainStatus, KeyShape,
    Origin, OriginAddress, OriginKind, PathRule, PathRuleKind, PullProtocol, QueryAction, QueryRule, ServedArea,
    ServiceKind,
};
pub use tasks::{FailedRow, FindQuery, ListedTask, TaskId, TaskProgress, TaskQuery};
/// The manual of the only provider there is yet.
pub use tencent::VENDOR_REFERENCE;
pub use vendor_reference::{DocPages, EdgeStatus, TypicalDuration, VendorReference};

use crate::domain::{ItemOperation, Lane, PoolName, PoolReading, Target};

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

    /// The action that reads the tasks of this operation.
    fn tasks_action(&self, operation: ItemOperation) -> ApiAction;

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
