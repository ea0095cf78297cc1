//! The log of API calls, as the control endpoint and tests read it.

use std::collections::VecDeque;

use crate::domain::Timestamp;

/// Old calls are forgotten beyond this many: some 50 MB, and hours at the full call rate.
const CALLS_MAX: usize = 200_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    /// Counts from 1 and never skips.
    pub seq: u64,
    pub at: Timestamp,
    pub action: String,
    pub request_id: String,
    /// The error code that was answered, or would have been if the answer was spoiled.
    pub code: Option<String>,
    pub task_id: Option<String>,
    /// Targets that the call listed.
    pub items: u64,
    /// Quota units spent, over all pools.
    pub charged: u64,
    /// The kinds of the faults that struck.
    pub faults: Vec<&'static str>,
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: VecDeque<RecordedCall>,
    count: u64,
}

impl CallLog {
    pub(crate) fn record(&mut self, mut call: RecordedCall) {
        self.count += 1;
        call.seq = self.count;
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// The calls kept whose number is above `seq`, oldest first.
    pub(crate) fn after(&self, seq: u64) -> Vec<RecordedCall> {
        let skipped = self.calls.partition_point(|call| call.seq <= seq);
        self.calls.iter().skip(skipped).cloned().collect()
    }
}
