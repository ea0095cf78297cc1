//! What goes over the wire of `/v1/lanes`. The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
