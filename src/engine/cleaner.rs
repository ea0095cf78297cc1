//! The cleaner: deletes rows whose retention is over.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::driver::{EngineService, Step};
use super::{EngineDeps, EngineTimeouts};
use crate::domain::Timestamp;
use crate::store::{RetentionCutoff, Store, StoreError};

/// Between two rounds. A row that stays a little too long does no harm.
const ROUND: Duration = Duration::from_secs(60);
/// Rows deleted in one transaction, so that other writers do not wait long for the commit.
const ROWS_MAX: u32 = 5_000;
/// How long a diagnosis is stored, and how many at most: a person who needs one longer downloads its bundle.
const DIAGNOSIS_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DIAGNOSES_MAX: u32 = 10_000;
/// Fewer than of other rows, because a diagnosis is large.
const DIAGNOSIS_ROWS_MAX: u32 = 200;

pub(super) struct Cleaner {
    store: Arc<dyn Store>,
    timeouts: EngineTimeouts,
    next_at: Option<Timestamp>,
}

impl Cleaner {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self { store: deps.store.clone(), timeouts: deps.timeouts, next_at: None }
    }
}

#[async_trait]
impl EngineService for Cleaner {
    type Call = Infallible;
    type Answer = Infallible;

    const NAME: &'static str = "cleaner";

    async fn step(&mut self, now: Timestamp) -> Result<Step<Infallible>, StoreError> {
        if self.next_at.is_none_or(|at| at <= now) {
            let removed = self.store.delete_expired_keys(now - self.timeouts.idempotency_keep, ROWS_MAX).await?;
            let outdated = RetentionCutoff { before: now - DIAGNOSIS_AGE_MAX, newest: DIAGNOSES_MAX };
            let diagnoses = self.store.delete_expired_diagnoses(outdated, DIAGNOSIS_ROWS_MAX).await?;
            // A full round means that more rows are due.
            let is_full = removed >= u64::from(ROWS_MAX) || diagnoses >= u64::from(DIAGNOSIS_ROWS_MAX);
            self.next_at = Some(if is_full { now } else { now + ROUND });
        }
        Ok(Step { calls: Vec::new(), next_at: self.next_at })
    }

    fn perform(&self, call: Infallible) -> BoxFuture<'static, Infallible> {
        async move { call }.boxed()
    }

    async fn record(&mut self, answer: &Infallible, _: Timestamp) -> Result<(), StoreError> {
        match *answer {}
    }
}
