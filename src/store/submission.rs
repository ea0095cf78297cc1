//! One call to the provider: how its items are released, and what it used of the day quota.

use crate::domain::{Failure, Lane, SubmissionId, SubmissionState, TenantName, Timestamp};

/// Places that a tenant's items won in a lane, and that may have been charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSpending {
    pub lane: Lane,
    pub tenant: TenantName,
    pub targets: u64,
}

/// Whether a guarded change found the state that it expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    Done,
    /// Someone was first; nothing was changed.
    Conflict,
}

/// How a submission's items come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Refused`: the provider said no. `Released`: it was never sent, or the provider's list does not know it.
    pub state: SubmissionState,
    pub failure: Failure,
    pub items: ReleaseAction,
}

/// What becomes of items that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseAction {
    /// Due at once: whatever holds the lane back is the scheduler's to know.
    Requeue,
    /// Each half of the targets is sent alone next time; a batch of one target fails.
    SplitTargets,
    /// Each half of the hosts is sent alone next time; a batch of one host is halved.
    SplitHosts,
    /// All of them wait until then, and are sent by themselves after that.
    Park { until: Timestamp },
    /// All of them end `failed`.
    Fail,
}

/// Failed rows go again at `at` while fewer than `attempts_max` were made, and end `failed` after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRetry {
    pub attempts_max: u32,
    pub at: Timestamp,
}

/// A target that the provider reports as failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTarget {
    pub target: String,
    pub failure: Failure,
}

/// A submission that wants a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSubmission {
    pub id: SubmissionId,
    pub lane: Lane,
    pub targets: u32,
    pub task_id: Option<String>,
    pub created_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub looks: u32,
}

/// Distinct targets that a lane may have been charged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUsage {
    pub lane: Lane,
    pub targets: u64,
    /// Of these, in submissions without an answer yet.
    pub in_flight: u64,
    /// Beside these, in submissions whose answer was lost and that the provider did not list in time: most likely not
    /// charged, but nobody can tell (law 4).
    pub undecided: u64,
}
