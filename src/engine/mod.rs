//! The work: from due items to calls, from tasks to ends, from ends to proof. Each service is a `step(now)`; the only
//! loop is in `drive`; `manual` lets a simulation take its place.

mod account;
mod cleaner;
mod counters;
mod domain_reader;
mod driver;
mod in_flight;
mod lane_status;
mod poller;
mod promoter;
mod quota_reader;
mod reconciler;
mod scheduler;
#[cfg(test)]
mod scheduler_properties;
mod status;
mod stepped;
mod submitter;
mod tenant_quota;
mod verifier;
mod waits;

pub use account::Account;
pub use account::AccountStatus;
pub use account::CachedDomain;
pub use counters::{CounterKey, Counters};
pub use lane_status::{LaneStatuses, Wait};
pub use status::{EngineStatus, LaneLimits, PoolStatus};
pub use stepped::{ServiceKind, SteppedEngine};
pub use verifier::VerifyPolicy;
pub use waits::lane_paused;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::{AccountName, ItemOperation};
use crate::notify::Notifiers;
use crate::probe::Prober;
use crate::store::{Store, StoreError};

/// How patient the engine is: the keys `engine.*`, `verify.*` and `idempotency.keep` (config/default.toml).
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
    const fn task_max(&self, operation: ItemOperation) -> Duration {
        match operation {
            ItemOperation::Purge => self.task_max_purge,
            ItemOperation::Prefetch => self.task_max_prefetch,
        }
    }
}

/// The accounts that work is sent to.
pub type Accounts = Arc<BTreeMap<AccountName, Arc<Account>>>;

/// What the engine works with.
#[derive(Clone)]
pub struct EngineDeps {
    pub store: Arc<dyn Store>,
    pub accounts: Accounts,
    pub prober: Arc<dyn Prober>,
    pub verify: Arc<VerifyPolicy>,
    pub lane_statuses: Arc<LaneStatuses>,
    pub notifiers: Notifiers,
    pub clock: Arc<dyn Clock>,
    pub timeouts: EngineTimeouts,
}

/// The running services.
pub struct Engine {
    tasks: JoinSet<()>,
    /// Cancelled when a service ended that was not told to.
    pub broken: CancellationToken,
}

impl Engine {
    /// Takes up the work where the last process left it, and starts the services.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn start(deps: EngineDeps, shutdown: &CancellationToken) -> Result<Self, StoreError> {
        deps.recover().await?;
        let mut engine = Self { tasks: JoinSet::new(), broken: CancellationToken::new() };
        let wakes = &deps.notifiers;
        engine.run(
            driver::drive(quota_reader::QuotaReader::new(&deps), deps.driver(&wakes.quota_reader, shutdown)),
            shutdown,
        );
        engine.run(
            driver::drive(domain_reader::DomainReader::new(&deps), deps.driver(&wakes.facts_reader, shutdown)),
            shutdown,
        );
        engine.run(driver::drive(submitter::Submitter::new(&deps), deps.driver(&wakes.submitter, shutdown)), shutdown);
        engine.run(driver::drive(poller::Poller::new(&deps), deps.driver(&wakes.poller, shutdown)), shutdown);
        engine
            .run(driver::drive(reconciler::Reconciler::new(&deps), deps.driver(&wakes.reconciler, shutdown)), shutdown);
        engine.run(driver::drive(cleaner::Cleaner::new(&deps), deps.driver(&wakes.cleaner, shutdown)), shutdown);
        engine.run(driver::drive(verifier::Verifier::new(&deps), deps.driver(&wakes.verifier, shutdown)), shutdown);
        Ok(engine)
    }

    /// Runs a service. One that ends by itself has a bug: half an engine looks alive and does nothing, so whoever watches
    /// `broken` ends the process, and the next start takes the work up.
    fn run(&mut self, service: impl Future<Output = ()> + Send + 'static, shutdown: &CancellationToken) {
        let (broken, shutdown) = (self.broken.clone(), shutdown.clone());
        self.tasks.spawn(async move {
            let ended = AssertUnwindSafe(service).catch_unwind().await;
            if ended.is_err() || !shutdown.is_cancelled() {
                tracing::error!("a service of the engine stopped unexpectedly");
                broken.cancel();
            }
        });
    }

    /// Waits until every service has recorded its open calls. The shutdown token is cancelled by then.
    pub async fn finished(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a service of the engine stopped unexpectedly");
            }
        }
    }
}

impl EngineDeps {
    /// Takes up what the last process left: calls without an answer, and what was spent today.
    async fn recover(&self) -> Result<(), StoreError> {
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

    fn driver(&self, wake: &crate::notify::Notifier, shutdown: &CancellationToken) -> driver::Driver {
        driver::Driver { wake: wake.clone(), clock: self.clock.clone(), shutdown: shutdown.clone() }
    }
}
