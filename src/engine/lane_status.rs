//! The status of each lane with due items: why it does not send now, and its counters. Written by the services, read by
//! callers.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::counters::Counters;
use crate::domain::{Lane, LaneId, Timestamp, WaitingReason};

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub reason: WaitingReason,
    /// A sentence for people, with the provider's code where there is one.
    pub detail: String,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct LaneStatuses {
    lanes: RwLock<HashMap<LaneId, LaneStatus>>,
    isolated_calls: RwLock<HashMap<LaneId, u64>>,
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
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.get(&lane).map_or((None, 0), LaneStatus::read)
    }

    /// The same for a caller that has no `LaneId`.
    #[must_use]
    pub fn lane_by_value(&self, lane: &Lane) -> (Option<Wait>, u64) {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        // Lanes are few.
        lanes.values().find(|status| status.lane == *lane).map_or((None, 0), LaneStatus::read)
    }

    /// Calls of the lane since the start that carried isolated items only: each may be one more than necessary.
    #[must_use]
    pub fn isolated_calls(&self, lane: LaneId) -> u64 {
        self.isolated_calls.read().unwrap_or_else(PoisonError::into_inner).get(&lane).copied().unwrap_or(0)
    }

    pub(super) fn count_isolated_call(&self, lane: LaneId) {
        *self.isolated_calls.write().unwrap_or_else(PoisonError::into_inner).entry(lane).or_default() += 1;
    }

    /// Replaces the status of all lanes.
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
