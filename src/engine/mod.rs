//! The engine: sends due items, polls their tasks, and verifies the result at the edge. Each service is a `step(now)`; the only
//! loop is in `driver.rs`, and `stepped.rs` replaces it in the simulation.

mod account;
mod cleaner;
mod counters;
mod deps;
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
pub use deps::{Accounts, EngineDeps, EngineTimeouts};
pub use lane_status::{LaneStatuses, Wait};
pub use status::{EngineStatus, LaneLimits, PoolStatus};
pub use stepped::{ServiceKind, SteppedEngine};
pub use verifier::VerifyPolicy;
pub use waits::lane_paused;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::store::StoreError;

/// The running services.
pub struct Engine {
    tasks: JoinSet<()>,
    /// Cancelled when a service ended without a shutdown.
    pub broken: CancellationToken,
}

impl Engine {
    /// Recovers the open submissions of the last process, and starts the services.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn start(deps: EngineDeps, shutdown: &CancellationToken) -> Result<Self, StoreError> {
        deps.recover().await?;
        let mut engine = Self { tasks: JoinSet::new(), broken: CancellationToken::new() };
        let notifiers = &deps.notifiers;
        engine.run(
            driver::drive(quota_reader::QuotaReader::new(&deps), deps.driver(&notifiers.quota_reader, shutdown)),
            shutdown,
        );
        engine.run(
            driver::drive(domain_reader::DomainReader::new(&deps), deps.driver(&notifiers.domain_reader, shutdown)),
            shutdown,
        );
        engine.run(
            driver::drive(submitter::Submitter::new(&deps), deps.driver(&notifiers.submitter, shutdown)),
            shutdown,
        );
        engine.run(driver::drive(poller::Poller::new(&deps), deps.driver(&notifiers.poller, shutdown)), shutdown);
        engine.run(
            driver::drive(reconciler::Reconciler::new(&deps), deps.driver(&notifiers.reconciler, shutdown)),
            shutdown,
        );
        engine.run(driver::drive(cleaner::Cleaner::new(&deps), deps.driver(&notifiers.cleaner, shutdown)), shutdown);
        engine.run(driver::drive(verifier::Verifier::new(&deps), deps.driver(&notifiers.verifier, shutdown)), shutdown);
        Ok(engine)
    }

    /// Runs a service. A service that ends by itself has a bug. Half an engine seems alive and does nothing, so the daemon exits
    /// when `broken` is cancelled, and the next start recovers the work.
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
