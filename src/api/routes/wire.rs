//! What goes over the wire of quotas, lanes and plans (CONTRACT §1). The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::wire::WarningAnswer;

/// One day-quota counter of the provider.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolAnswer {
    pub account: String,
    /// The provider's name of it.
    pub pool: String,
    /// `purge` or `prefetch`.
    pub operation: String,
    /// `url` or `directory`.
    pub kind: String,
    pub area: String,
    /// Targets a day.
    pub total: u64,
    /// Targets left, by the smaller of our ledger and the provider's last answer.
    pub available: u64,
    /// Of these, only for `urgent`; open to all in the last 15 minutes before the reset.
    pub reserved: u64,
    /// What this daemon spent today.
    pub used: u64,
    /// Targets of today's calls whose answers were lost and that the provider did not list in time: they were sent again, and
    /// may have been charged though `used` does not count them.
    pub undecided: u64,
    /// Targets in one call.
    pub batch: u32,
    /// The end of the day that the figures are of. If that is past, the provider has not been asked since.
    pub resets_at: String,
    /// Since when nothing is left.
    pub exhausted_at: Option<String>,
    /// When what is not reserved runs out at the rate of the last hour; null if that is not before the reset.
    pub forecast: Option<String>,
    /// When the provider was last asked.
    pub read_at: String,
}

/// Whatever one call may carry together, and how it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LaneAnswer {
    pub id: String,
    pub account: String,
    /// `purge` or `prefetch`.
    pub operation: String,
    /// `url` or `directory`.
    pub kind: String,
    /// `own` for jobs that named none.
    pub area: String,
    /// For directories: `delete` or `invalidate`.
    pub mode: Option<String>,
    /// `running`, `paused` (by a person) or `waiting`.
    pub state: String,
    /// Why it is paused or waits.
    pub why: Option<WhyAnswer>,
    /// Who paused it, when and why.
    pub paused: Option<PauseAnswer>,
    /// Items that are due.
    pub depth: DepthAnswer,
    /// Items that wait for a moment.
    pub delayed: u64,
    /// Prefetches that wait for their purge.
    pub blocked: u64,
    /// Age of the oldest due item at the head of the lane, in seconds; null if none is due.
    pub oldest_s: Option<u64>,
    /// Calls per second that its action may make now; null if its account is not configured any more.
    pub rate: Option<u32>,
    /// Calls without an answer.
    pub in_flight: u32,
    /// Calls since the daemon started that went apart from the lane's others: with hosts that the provider has not taken
    /// before, or after a refusal. Each may be one more than was needed.
    #[serde(default)]
    pub calls_apart: u64,
}

/// Due items by priority.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct DepthAnswer {
    pub urgent: u64,
    pub normal: u64,
    pub bulk: u64,
}

/// What is waited for; the reasons are those of a job's `waiting`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WhyAnswer {
    pub reason: String,
    pub detail: String,
    pub until: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PauseAnswer {
    pub by: String,
    pub at: String,
    pub reason: Option<String>,
}

/// Why a lane is paused.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseBody {
    /// At most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What would become of a job. Nothing was sent or kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlanAnswer {
    pub operation: String,
    pub priority: String,
    /// Distinct targets in their normal form: the first 1,000.
    pub targets: Vec<PlannedTarget>,
    /// All distinct targets.
    pub targets_total: u64,
    /// Targets of the body that are equal to another one.
    pub merged: u32,
    pub lanes: Vec<LanePlanAnswer>,
    /// What the job itself would say in `warnings`.
    pub warnings: Vec<WarningAnswer>,
    /// Directories that would be purged in the place of the job's URLs below them, which then cost no quota of theirs. Only for
    /// hosts whose operator allows it; what others have waiting is not reckoned with.
    pub promoted: Vec<PlannedTarget>,
    /// How many targets would need no place of their own: an equal one is pending, or a directory above is, or is purged by the
    /// same job. They are not in the lanes' batches and costs. Null for a job too large to look.
    pub coalesced: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlannedTarget {
    pub target: String,
    /// `url` or `directory`.
    pub kind: String,
}

/// What of a job would travel in one lane.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LanePlanAnswer {
    pub account: String,
    pub operation: String,
    pub kind: String,
    pub area: String,
    pub mode: Option<String>,
    pub targets: u64,
    /// Calls that it takes, if they shared none with other jobs.
    pub batches: u64,
    pub pools: Vec<PoolCostAnswer>,
    pub leaves: LeavesAnswer,
}

/// What a lane's targets take from a pool, and what that has.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolCostAnswer {
    pub pool: String,
    pub cost: u64,
    pub available: u64,
    pub reserved: u64,
    pub resets_at: String,
}

/// When a lane's targets leave. The times are guesses from what is ahead, the rate and the quota.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeavesAnswer {
    /// The first of them at once.
    pub now: bool,
    /// What the first of them waits for; null if it leaves now.
    pub waiting: Option<WhyAnswer>,
    /// Items that may leave before: an upper bound.
    pub ahead: u64,
    /// Null where nobody can know.
    pub starts_at: Option<String>,
    pub done_sending_at: Option<String>,
}
