//! Lanes as callers see them: how much waits in each, since when, and who holds it back.

use crate::domain::{Lane, LaneId, Timestamp};

/// Everything that is kept of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRecord {
    pub id: LaneId,
    pub lane: Lane,
    /// Due items by priority, `Priority::ALL`'s order.
    pub due: [u64; 3],
    /// Items that wait for a moment.
    pub delayed: u64,
    /// Prefetches that wait for their purge.
    pub blocked: u64,
    /// When the oldest of those that stand first in line was asked for.
    pub oldest: Option<Timestamp>,
    /// Calls without an answer.
    pub in_flight: u32,
    pub paused: Option<LanePause>,
}

/// A lane is held back by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanePause {
    /// Who did it, as the audit names them.
    pub by: String,
    pub at: Timestamp,
    pub reason: Option<String>,
}
