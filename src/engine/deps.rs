//! What every service of the engine is made of: the store, the accounts, the prober, clock and chance, and the timeouts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::driver::Driver;
use super::lane_status::LaneStatuses;
use super::verifier::VerifyPolicy;
use crate::clock::Clock;
use crate::domain::{AccountName, ItemOperation};
use crate::notify::{Notifier, Notifiers};
use crate::probe::Prober;
use crate::random::Random;
use crate::store::{Store, StoreError};

/// How long the engine waits for what: the keys `engine.*`, `verify.*` and `idempotency.keep` (config/default.toml).
#[derive(Debug, Clone, Copy)]
pub struct EngineTimeouts {
    pub poll_first: Duration,
    pub poll_max: Duration,
    pub listing_grace: Duration,
    pub task_max_purge: Duration,
    pub task_max_prefetch: Duration,
    pub verify_deadline: Duration,
    pub idempotency_keep: Duration,
}

impl EngineTimeouts {
    pub(super) const fn task_max(&self, operation: ItemOperation) -> Duration {
        match operation {
            ItemOperation::Purge => self.task_max_purge,
            ItemOperation::Prefetch => self.task_max_prefetch,
        }
    }
}

/// The accounts that work is sent to.
pub type Accounts = Arc<BTreeMap<AccountName, Arc<Account>>>;

/// What the services share.
#[derive(Clone)]
pub struct EngineDeps {
    pub store: Arc<dyn Store>,
    pub accounts: Accounts,
    pub prober: Arc<dyn Prober>,
    pub verify: Arc<VerifyPolicy>,
    pub lane_statuses: Arc<LaneStatuses>,
    pub notifiers: Notifiers,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
    pub timeouts: EngineTimeouts,
}

impl EngineDeps {
    /// Recovers the last process's unanswered calls, and loads today's quota usage.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let count = self.store.recover(now).await?;
        if count > 0 {
            tracing::info!(
                submissions = count,
                "unanswered submissions from the last run; checking the provider's task list"
            );
        }
        for account in self.accounts.values() {
            account.load_usage(self.store.as_ref(), now).await?;
        }
        Ok(())
    }

    pub(super) fn driver(&self, wake: &Notifier, shutdown: &CancellationToken) -> Driver {
        Driver { wake: wake.clone(), clock: self.clock.clone(), shutdown: shutdown.clone() }
    }
}
