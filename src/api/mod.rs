//! The door for machines: HTTP and JSON (CONTRACT §1). It parses, asks the service, and words the answer.

mod auth;
mod body;
mod etag;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod middleware;
mod openapi;
mod prefer;
mod problem;
pub mod routes;
pub mod server;
pub mod wire;

pub use auth::Authenticator;
pub use middleware::App;
pub use routes::metrics::MetricsApp;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

use crate::service::{DiagnosisService, Service};

/// What every handler works with.
pub struct Api {
    pub service: Service,
    pub diagnoses: Arc<DiagnosisService>,
    pub authenticator: Authenticator,
    /// Names of accounts that talk to a simulated cloud; shown so that nobody takes a rehearsal for the real thing.
    pub sandbox_accounts: Arc<[String]>,
    /// Cancelled when the daemon is on its way out: nothing new is accepted.
    pub draining: CancellationToken,
}

/// The routes and the pages, behind the same guards. Whose route needs a caller takes one.
pub fn app(api: Api, pages: Router) -> App {
    // Each request clones what it works with, several times on its way: one count goes up, not twenty.
    let api = Arc::new(api);
    let is_open = matches!(api.authenticator, Authenticator::Open);
    let routes = Router::new()
        .route("/v1/jobs", post(routes::jobs::create).get(routes::jobs::list))
        .route("/v1/jobs/{id}", get(routes::jobs::one))
        .route("/v1/jobs/{id}/cancel", post(routes::jobs::changes::cancel))
        .route("/v1/jobs/{id}/retry", post(routes::jobs::changes::retry))
        .route("/v1/jobs/{id}/items", get(routes::jobs::lists::items))
        .route("/v1/jobs/{id}/events", get(routes::jobs::lists::events))
        .route("/v1/jobs/{id}/diagnosis", get(routes::diagnoses::of_job))
        .route("/v1/jobs/{id}/bundle", get(routes::diagnoses::bundle_of_job))
        .route("/v1/diagnoses", post(routes::diagnoses::create))
        .route("/v1/diagnoses/{id}", get(routes::diagnoses::one))
        .route("/v1/diagnoses/{id}/bundle", get(routes::diagnoses::bundle))
        .route("/v1/findings", get(routes::findings::list))
        .route("/v1/findings/check", post(routes::findings::check))
        .route("/v1/plan", post(routes::plan::plan))
        .route("/v1/quota", get(routes::quota::list))
        .route("/v1/lanes", get(routes::lanes::list))
        .route("/v1/lanes/{id}/pause", post(routes::lanes::pause))
        .route("/v1/lanes/{id}/resume", post(routes::lanes::resume))
        .route("/metrics", get(routes::metrics::scrape))
        .route("/livez", get(routes::health::live))
        .route("/readyz", get(routes::health::ready))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(routes::docs::page))
        .route("/docs.css", get(routes::docs::style))
        .with_state(api)
        .merge(pages)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method);
    App::new(routes, is_open)
}
