//! Counters since the start of the process, for metrics. Prometheus recognises a restart by a counter that fell.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::{AccountName, ItemOperation, Operation, Verification};

/// Something that is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterKey {
    /// A job was accepted.
    Job(Operation),
    /// A call to the provider ended with this answer.
    Submission { account: AccountName, operation: ItemOperation, answer: &'static str },
    /// A target of a task ended at the provider, done or failed.
    Target { account: AccountName, operation: ItemOperation, done: bool },
    /// A job's verification ended.
    Verdict(Verification),
}

#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<CounterKey, u64>>);

impl Counters {
    pub fn count(&self, key: CounterKey, by: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += by;
    }

    /// All counters so far.
    #[must_use]
    pub fn read(&self) -> BTreeMap<CounterKey, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
