//! Opens the daemon's addresses, builds the API, and serves both it and the metrics.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::start_error::StartError;
use super::wiring::configured_edges;
use crate::api::server::{self, ServerLimits};
use crate::api::{Api, App, Authenticator, MetricsApp};
use crate::config::{AuthMode, Config};
use crate::diagnose::{Diagnose, Monitor};
use crate::engine::{EngineDeps, EngineStatus};
use crate::service::{DiagnosisService, ProbeOverrides, Service, Tokens};
use crate::store::{Store, StoreError};
use crate::web::{self, Web};

/// How long open requests may take when the daemon stops.
const REQUEST_GRACE: Duration = Duration::from_secs(10);

/// Binds `address`, which the setting `key` has.
pub(super) async fn listen(key: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let text = format!("{key}: cannot listen on {address} ({error})");
        match error.kind() {
            ErrorKind::AddrNotAvailable | ErrorKind::PermissionDenied => StartError::Setting(text),
            _ => StartError::Busy(text),
        }
    })?;
    let address = listener.local_addr().map_err(|error| StartError::Busy(format!("{key}: {error}")))?;
    Ok((listener, address))
}

/// The server of `metrics.listen`, which needs no token.
pub(super) struct MetricsServer {
    pub(super) address: SocketAddr,
    server: JoinHandle<()>,
}

impl MetricsServer {
    pub(super) fn open(
        (listener, address): (TcpListener, SocketAddr),
        app: MetricsApp,
        shutdown: &CancellationToken,
    ) -> Self {
        tracing::info!(address = %address, "metrics are served without a token");
        Self { address, server: spawn_server(listener, app.front(), shutdown) }
    }

    pub(super) async fn join(self) {
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the metrics server stopped unexpectedly");
        }
    }
}

/// Serves `app` until `shutdown`, and then open requests for at most `REQUEST_GRACE`.
pub(super) fn spawn_server(listener: TcpListener, app: App, shutdown: &CancellationToken) -> JoinHandle<()> {
    tokio::spawn(server::serve(listener, app, ServerLimits::default(), REQUEST_GRACE, shutdown.clone()))
}

pub(super) fn build_api(
    config: &Config,
    deps: &EngineDeps,
    engine_status: Arc<EngineStatus>,
    diagnoser: Arc<dyn Diagnose>,
    monitor: Arc<Monitor>,
    draining: &CancellationToken,
) -> Api {
    let service = Service {
        store: deps.store.clone(),
        routes: Arc::new(config.routes.clone()),
        lane_statuses: deps.lane_statuses.clone(),
        engine_status,
        notifiers: deps.notifiers.clone(),
        clock: deps.clock.clone(),
        random: deps.random.clone(),
    };
    let probe_overrides = ProbeOverrides { edges: configured_edges(config), origins: config.probe.origins.clone() };
    Api {
        diagnoses: Arc::new(
            DiagnosisService::new(service.clone(), diagnoser, probe_overrides, config.effective_toml())
                .with_monitor(monitor),
        ),
        service,
        authenticator: match config.auth {
            AuthMode::Open => Authenticator::Open,
            AuthMode::Tokens => Authenticator::Tokens(Arc::new(Tokens::new(deps.store.clone(), deps.clock.clone()))),
        },
        sandbox_accounts: sandbox_accounts(config).into(),
        draining: draining.clone(),
    }
}

/// With `auth.mode = "tokens"` and no token, every request is refused.
pub(super) async fn warn_if_no_token(config: &Config, store: &Arc<dyn Store>) -> Result<(), StoreError> {
    if config.auth == AuthMode::Tokens && store.tokens().await?.tokens.is_empty() {
        tracing::warn!(
            "auth.mode is \"tokens\" and no token exists, so every request is refused; create one with `refreshd token create`"
        );
    }
    Ok(())
}

/// The web pages have no login yet, so they are served only if no token is needed.
pub(super) fn web_pages(api: &Api) -> axum::Router {
    match api.authenticator {
        Authenticator::Open => {
            web::router(Web { service: api.service.clone(), sandbox_accounts: api.sandbox_accounts.clone() })
        }
        Authenticator::Tokens(_) => axum::Router::new(),
    }
}

pub(super) fn sandbox_accounts(config: &Config) -> Vec<String> {
    let accounts = config.accounts.iter().filter(|(_, account)| account.sandbox);
    accounts.map(|(name, _)| name.to_string()).collect()
}
