//! Whether the daemon lives, and whether it can do its work. Never asks the provider.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::api::wire::ReadyAnswer;

/// Answers as long as the process can answer at all.
#[utoipa::path(get, path = "/livez", responses((status = 200, description = "alive")))]
pub(crate) async fn live() -> &'static str {
    "alive\n"
}

/// Answers 200 while jobs can be taken and kept.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "ready", body = ReadyAnswer),
    (status = 503, description = "not ready, and why", body = ReadyAnswer),
))]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Response {
    let mut problems = Vec::new();
    if api.draining.is_cancelled() {
        problems.push("the daemon is stopping".to_owned());
    }
    if let Err(error) = api.service.store.next_timer().await {
        tracing::error!(error = ?error, "the database cannot be read");
        problems.push("the database cannot be read".to_owned());
    }
    if !is_writable(&api).await {
        problems.push("the database cannot be written".to_owned());
    }
    let (code, status) =
        if problems.is_empty() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    let answer = ReadyAnswer {
        status: status.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox_accounts: api.sandbox_accounts.to_vec(),
        problems,
    };
    (code, Json(answer)).into_response()
}

/// A large job may occupy the writer for so long; a writer that is locked out takes longer.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);

async fn is_writable(api: &Api) -> bool {
    match tokio::time::timeout(WRITE_PATIENCE, api.service.store.check_writable()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(error = ?error, "the database cannot be written");
            false
        }
        Err(_) => {
            tracing::error!("the database takes no changes");
            false
        }
    }
}
