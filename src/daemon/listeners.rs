//! The doors of the daemon: where it listens, who is asked for a token, and what stands behind the counter.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::wiring::diagnosed_edges;
use super::{REQUEST_GRACE, StartError};
use crate::api::server::{self, ServerLimits};
use crate::api::{Api, Authenticator, MetricsApp};
use crate::config::{AuthMode, Config};
use crate::diagnose::{Diagnose, Monitor};
use crate::engine::{EngineDeps, EngineStatus};
use crate::service::{DiagnosisService, ProbeOverrides, Service, Tokens};
use crate::store::{Store, StoreError};
use crate::web::{self, Web};

/// `key` is the setting that the address is from.
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

/// Where metrics are served without a token, and the server there.
pub(super) struct MetricsServer {
    pub(super) address: SocketAddr,
    server: JoinHandle<()>,
}

impl MetricsServer {
    pub(super) fn open(
        (listener, address): (TcpListener, SocketAddr),
        figures: MetricsApp,
        shutdown: &CancellationToken,
    ) -> Self {
        let serve = server::serve(listener, figures.front(), ServerLimits::default(), REQUEST_GRACE, shutdown.clone());
        tracing::info!(address = %address, "metrics are served without a token");
        Self { address, server: tokio::spawn(serve) }
    }

    pub(super) async fn stopped(self) {
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the metrics server stopped unexpectedly");
        }
    }
}

pub(super) fn build_api(
    config: &Config,
    deps: &EngineDeps,
    outlook: Arc<EngineStatus>,
    diagnoser: Arc<dyn Diagnose>,
    patrol: Arc<Monitor>,
    draining: &CancellationToken,
) -> Api {
    let service = Service {
        store: deps.store.clone(),
        routes: Arc::new(config.routes.clone()),
        lane_statuses: deps.lane_statuses.clone(),
        engine_status: outlook,
        notifiers: deps.notifiers.clone(),
        clock: deps.clock.clone(),
    };
    let probed = ProbeOverrides { edges: diagnosed_edges(config), origins: config.probe.origins.clone() };
    Api {
        diagnoses: Arc::new(
            DiagnosisService::new(service.clone(), diagnoser, probed, config.effective_toml()).with_monitor(patrol),
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

/// Warn if auth.mode = tokens and no token exists: nobody could use the daemon.
pub(super) async fn warn_if_no_token(config: &Config, store: &Arc<dyn Store>) -> Result<(), StoreError> {
    if config.auth == AuthMode::Tokens && store.tokens().await?.tokens.is_empty() {
        tracing::warn!("auth.mode is tokens and there is no token: make one with `refreshd token create`");
    }
    Ok(())
}

/// The pages know no caller yet, so they are shown only where everyone is `local`.
pub(super) fn pages(api: &Api) -> axum::Router {
    match api.authenticator {
        Authenticator::Open => {
            web::router(Web { service: api.service.clone(), sandbox_accounts: api.sandbox_accounts.clone() })
        }
        Authenticator::Tokens(_) => axum::Router::new(),
    }
}

pub(super) fn sandbox_accounts(config: &Config) -> Vec<String> {
    let sandboxed = config.accounts.iter().filter(|(_, account)| account.sandbox);
    sandboxed.map(|(name, _)| name.to_string()).collect()
}
