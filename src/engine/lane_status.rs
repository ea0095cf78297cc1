//! Lane statuses: why each lane that has due items does not send right now, and what was counted since the start. Written by
//! the services, read by callers.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::counters::Counters;
use crate::domain::{Lane, LaneId, Timestamp, WaitingReason};

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub reason: WaitingReason,
    /// In words, with the provider's code where there is one.
    pub detail: String,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct LaneStatuses {
    lanes: RwLock<HashMap<LaneId, LaneStatus>>,
    apart: RwLock<HashMap<LaneId, u64>>,
    pub counters: Counters,
}

#[derive(Debug, Clone)]
struct LaneStatus {
    lane: Lane,
    waiting: Option<Wait>,
    /// Due items of the lane, as last counted.
    due: u64,
}

impl LaneStatuses {
    /// Why the lane waits, if it does, and how many of its items are due.
    #[must_use]
    pub fn lane(&self, lane: LaneId) -> (Option<Wait>, u64) {
        let ids = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        ids.get(&lane).map_or((None, 0), LaneStatus::read)
    }

    /// The same for whoever knows the lane, but not yet its number.
    #[must_use]
    pub fn lane_by_value(&self, lane: &Lane) -> (Option<Wait>, u64) {
        let ids = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        // Lanes are few.
        ids.values().find(|status| status.lane == *lane).map_or((None, 0), LaneStatus::read)
    }

    /// Calls of the lane since the start that went apart from its other targets: each may be one more than was needed.
    #[must_use]
    pub fn isolated_calls(&self, lane: LaneId) -> u64 {
        self.apart.read().unwrap_or_else(PoisonError::into_inner).get(&lane).copied().unwrap_or(0)
    }

    pub(super) fn count_isolated_call(&self, lane: LaneId) {
        *self.apart.write().unwrap_or_else(PoisonError::into_inner).entry(lane).or_default() += 1;
    }

    /// Replaces the whole board.
    pub(super) fn publish(&self, lanes: impl Iterator<Item = (LaneId, Lane, Option<Wait>, u64)>) {
        let statuses = lanes.map(|(id, lane, waiting, due)| (id, LaneStatus { lane, waiting, due })).collect();
        *self.lanes.write().unwrap_or_else(PoisonError::into_inner) = statuses;
    }
}

impl LaneStatus {
    fn read(&self) -> (Option<Wait>, u64) {
        (self.waiting.clone(), self.due)
    }
}
