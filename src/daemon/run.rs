//! The running daemon: opens the database, takes up the work, listens, and stops in the order in which work flows.

mod listeners;
mod start_error;
mod wiring;

pub use start_error::StartError;
pub use wiring::{provider_limits, standalone_monitor};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::server::{self, ServerLimits};
use crate::api::{self, MetricsApp};
use crate::clock::Clock;
use crate::config::Config;
use crate::diagnose::{Diagnose, Diagnoser};
use crate::engine::{Engine, EngineDeps, EngineStatus, LaneStatuses};
use crate::notify::Notifiers;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use listeners::{MetricsServer, build_api, listen, pages, sandbox_accounts, warn_if_no_token};
use wiring::{accounts, engine_timeouts, monitor, prober, run_monitor, verify_policy};

/// How long open requests may take when the daemon stops.
const REQUEST_GRACE: Duration = Duration::from_secs(10);
/// How long the database may take to commit what it was given.
const STORE_GRACE: Duration = Duration::from_secs(10);

/// A running daemon.
pub struct Daemon {
    pub address: SocketAddr,
    engine: Engine,
    server: JoinHandle<()>,
    figures: Option<MetricsServer>,
    patrol: JoinHandle<()>,
    store: Arc<dyn Store>,
    draining: CancellationToken,
    engine_shutdown: CancellationToken,
    server_shutdown: CancellationToken,
}

impl Daemon {
    /// Opens the database, resumes the work and starts to listen.
    ///
    /// # Errors
    /// A setting that cannot work, or a database that cannot be used.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::assemble(config, clock, None).await
    }

    /// The same with a diagnoser from outside.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(
        config: &Config,
        clock: Arc<dyn Clock>,
        diagnoser: Arc<dyn Diagnose>,
    ) -> Result<Self, StartError> {
        Self::assemble(config, clock, Some(diagnoser)).await
    }

    async fn assemble(
        config: &Config,
        clock: Arc<dyn Clock>,
        diagnoser: Option<Arc<dyn Diagnose>>,
    ) -> Result<Self, StartError> {
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.store.path).await?);
        let (listener, address) = listen("server.listen", config.server.listen).await?;
        let for_figures = match config.metrics.listen {
            Some(address) => Some(listen("metrics.listen", address).await?),
            None => None,
        };
        let deps = EngineDeps {
            store: store.clone(),
            accounts: accounts(config, &clock).await?,
            prober: prober(config, &clock)?,
            verify: Arc::new(verify_policy(config)),
            lane_statuses: Arc::new(LaneStatuses::default()),
            notifiers: Notifiers::default(),
            clock,
            timeouts: engine_timeouts(config),
        };
        let (draining, engine_shutdown, server_shutdown) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let outlook = Arc::new(EngineStatus::new(deps.accounts.clone(), Arc::new(config.routes.clone())));
        let diagnoser = diagnoser
            .unwrap_or_else(|| Arc::new(Diagnoser::new(deps.prober.clone(), deps.clock.clone())) as Arc<dyn Diagnose>);
        let patrol = Arc::new(monitor(
            config,
            &deps.accounts,
            outlook.clone(),
            diagnoser.clone(),
            Some(store.clone()),
            &deps.clock,
        ));
        let api = build_api(config, &deps, outlook, diagnoser, patrol.clone(), &draining);
        let pages = pages(&api);
        let figures = MetricsApp { service: api.service.clone(), diagnoses: api.diagnoses.clone() };
        let front = api::app(api, pages);
        warn_if_no_token(config, &deps.store).await?;
        let engine = Engine::start(deps, &engine_shutdown).await?;
        let serve = server::serve(listener, front, ServerLimits::default(), REQUEST_GRACE, server_shutdown.clone());
        let server = tokio::spawn(serve);
        let figures = for_figures.map(|at| MetricsServer::open(at, figures, &server_shutdown));
        let patrol = tokio::spawn(run_monitor(patrol, config.patrol.every, engine_shutdown.clone()));
        let sandboxed = sandbox_accounts(config);
        if !sandboxed.is_empty() {
            tracing::warn!(accounts = %sandboxed.join(", "), "these accounts use a simulated cloud");
        }
        tracing::info!(address = %address, database = %config.store.path.display(), "refreshd is listening");
        Ok(Self { address, engine, server, figures, patrol, store, draining, engine_shutdown, server_shutdown })
    }

    /// Where metrics are served without a token, if they are.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.figures.as_ref().map(|figures| figures.address)
    }

    /// Returns when a part of the engine ended that was not told to.
    pub async fn broken(&self) {
        self.engine.broken.cancelled().await;
    }

    /// Stops in the order in which work flows: accept nothing, finish open calls, answer open requests, commit.
    pub async fn stop(self) {
        self.draining.cancel();
        self.engine_shutdown.cancel();
        self.engine.finished().await;
        if let Err(error) = self.patrol.await {
            tracing::error!(%error, "the monitor stopped unexpectedly");
        }
        self.server_shutdown.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the HTTP server stopped unexpectedly");
        }
        if let Some(figures) = self.figures {
            figures.stopped().await;
        }
        self.store.drain(STORE_GRACE).await;
    }
}
