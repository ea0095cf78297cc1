//! The running daemon: opens the database, resumes the work, listens, and stops in the order in which work flows.

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

use crate::api::{self, MetricsApp};
use crate::clock::Clock;
use crate::config::Config;
use crate::diagnose::{Diagnose, Diagnoser};
use crate::engine::{Engine, EngineDeps, EngineStatus, LaneStatuses};
use crate::notify::Notifiers;
use crate::random::Random;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use listeners::{MetricsServer, build_api, listen, sandbox_accounts, spawn_server, warn_if_no_token, web_pages};
use wiring::{build_accounts, build_monitor, build_prober, engine_timeouts, run_monitor, verify_policy};

/// How long the database may take to commit what is queued when the daemon stops.
const STORE_GRACE: Duration = Duration::from_secs(10);

/// A running daemon.
pub struct Daemon {
    pub address: SocketAddr,
    engine: Engine,
    server: JoinHandle<()>,
    metrics_server: Option<MetricsServer>,
    monitor: JoinHandle<()>,
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

    /// The same with another diagnoser.
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
        let metrics_listener = match config.metrics.listen {
            Some(address) => Some(listen("metrics.listen", address).await?),
            None => None,
        };
        let deps = EngineDeps {
            store: store.clone(),
            accounts: build_accounts(config, &clock).await?,
            prober: build_prober(config, &clock)?,
            verify: Arc::new(verify_policy(config)),
            lane_statuses: Arc::new(LaneStatuses::default()),
            notifiers: Notifiers::default(),
            clock,
            random: Random::default(),
            timeouts: engine_timeouts(config),
        };
        let (draining, engine_shutdown, server_shutdown) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let engine_status = Arc::new(EngineStatus::new(deps.accounts.clone(), Arc::new(config.routes.clone())));
        let diagnoser = diagnoser
            .unwrap_or_else(|| Arc::new(Diagnoser::new(deps.prober.clone(), deps.clock.clone())) as Arc<dyn Diagnose>);
        let monitor = Arc::new(build_monitor(
            config,
            &deps.accounts,
            engine_status.clone(),
            diagnoser.clone(),
            Some(store.clone()),
            &deps.clock,
        ));
        let api = build_api(config, &deps, engine_status, diagnoser, monitor.clone(), &draining);
        let pages = web_pages(&api);
        let metrics_app = MetricsApp { service: api.service.clone(), diagnoses: api.diagnoses.clone() };
        let app = api::app(api, pages);
        warn_if_no_token(config, &deps.store).await?;
        let engine = Engine::start(deps, &engine_shutdown).await?;
        let server = spawn_server(listener, app, &server_shutdown);
        let metrics_server =
            metrics_listener.map(|listener| MetricsServer::open(listener, metrics_app, &server_shutdown));
        let monitor = tokio::spawn(run_monitor(monitor, config.patrol.every, engine_shutdown.clone()));
        let sandbox_accounts = sandbox_accounts(config);
        if !sandbox_accounts.is_empty() {
            tracing::warn!(accounts = %sandbox_accounts.join(", "), "these accounts use a simulated cloud");
        }
        tracing::info!(address = %address, database = %config.store.path.display(), "refreshd is listening");
        Ok(Self { address, engine, server, metrics_server, monitor, store, draining, engine_shutdown, server_shutdown })
    }

    /// The address that serves metrics without a token, if there is one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_server.as_ref().map(|server| server.address)
    }

    /// Returns when a part of the engine has ended although the daemon is not stopping.
    pub async fn broken(&self) {
        self.engine.broken.cancelled().await;
    }

    /// Stops in the order in which work flows: refuse new jobs, finish open calls, answer open requests, commit.
    pub async fn stop(self) {
        self.draining.cancel();
        self.engine_shutdown.cancel();
        self.engine.finished().await;
        if let Err(error) = self.monitor.await {
            tracing::error!(%error, "the monitor stopped unexpectedly");
        }
        self.server_shutdown.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the HTTP server stopped unexpectedly");
        }
        if let Some(server) = self.metrics_server {
            server.join().await;
        }
        self.store.drain(STORE_GRACE).await;
    }
}
