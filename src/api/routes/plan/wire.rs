//! What goes over the wire of `/v1/plan`. The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::routes::lanes::wire::WhyAnswer;
use crate::api::wire::WarningAnswer;

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

/// The part of a job that one lane would send.
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
