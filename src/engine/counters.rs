//! What has happened since the start, counted for metrics: whoever reads them compares with the last reading, and a counter
//! that began again at a restart is told from one that went on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::{AccountName, ItemOperation, Operation, Verification};

/// Something that is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterKey {
    /// A job was kept for a caller.
    Job(Operation),
    /// A call was answered in this way.
    Submission { account: AccountName, operation: ItemOperation, answer: &'static str },
    /// A target of a task ended at the provider, as done or not.
    Target { account: AccountName, operation: ItemOperation, done: bool },
    /// A look at the edge ended a job's verification.
    Verdict(Verification),
}

#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<CounterKey, u64>>);

impl Counters {
    pub fn count(&self, what: CounterKey, by: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += by;
    }

    /// All that was counted so far.
    #[must_use]
    pub fn read(&self) -> BTreeMap<CounterKey, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
