//! Calls of a provider's API: how their rate is counted, and what became of them.

use async_trait::async_trait;

use super::tasks::TaskId;
use crate::domain::Failure;

/// One of the provider's actions, as far as its call rate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiAction(pub &'static str);

/// Lets a read call pass when the rate allows it.
#[async_trait]
pub trait CallLimiter: Send + Sync {
    /// Waits for a token of the action.
    async fn acquire(&self, action: ApiAction);

    /// Notes that the call was refused because there were too many.
    fn on_throttled(&self, action: ApiAction);

    /// Notes that the call was answered or failed.
    fn release(&self, action: ApiAction);
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
    /// a person changes that: nothing was done.
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
