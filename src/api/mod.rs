//! The door for machines: HTTP and JSON (CONTRACT §1). It parses, asks the service, and words the answer.

mod answers;
mod auth;
mod body;
mod changes;
pub mod diagnoses;
pub mod dispatch;
mod docs;
mod etag;
pub(crate) mod findings;
mod front;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod health;
mod jobs;
mod lists;
mod metrics;
mod openapi;
mod prefer;
mod problem;
pub mod server;
pub mod wire;

pub use auth::Door;
pub use front::Front;
pub use metrics::Figures;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

use crate::service::{Desk, Service};

/// What every handler works with.
pub struct Api {
    pub service: Service,
    pub desk: Arc<Desk>,
    pub door: Door,
    /// Names of accounts that talk to a simulated cloud; shown so that nobody takes a rehearsal for the real thing.
    pub sandbox_accounts: Arc<[String]>,
    /// Cancelled when the daemon is on its way out: nothing new is accepted.
    pub draining: CancellationToken,
}

/// The routes and the pages, behind the same guards. Whose route needs a caller takes one.
pub fn front(api: Api, pages: Router) -> Front {
    // Each request clones what it works with, several times on its way: one count goes up, not twenty.
    let api = Arc::new(api);
    let is_open = matches!(api.door, Door::Open);
    let routes = Router::new()
        .route("/v1/jobs", post(jobs::create).get(jobs::list))
        .route("/v1/jobs/{id}", get(jobs::one))
        .route("/v1/jobs/{id}/cancel", post(changes::cancel))
        .route("/v1/jobs/{id}/retry", post(changes::retry))
        .route("/v1/jobs/{id}/items", get(lists::items))
        .route("/v1/jobs/{id}/events", get(lists::events))
        .route("/v1/jobs/{id}/diagnosis", get(diagnoses::of_job))
        .route("/v1/jobs/{id}/bundle", get(diagnoses::bundle_of_job))
        .route("/v1/diagnoses", post(diagnoses::create))
        .route("/v1/diagnoses/{id}", get(diagnoses::one))
        .route("/v1/diagnoses/{id}/bundle", get(diagnoses::bundle))
        .route("/v1/findings", get(findings::list))
        .route("/v1/findings/check", post(findings::check))
        .route("/v1/plan", post(dispatch::plan::plan))
        .route("/v1/quota", get(dispatch::quota::list))
        .route("/v1/lanes", get(dispatch::lanes::list))
        .route("/v1/lanes/{id}/pause", post(dispatch::lanes::pause))
        .route("/v1/lanes/{id}/resume", post(dispatch::lanes::resume))
        .route("/metrics", get(metrics::scrape))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(docs::page))
        .route("/docs.css", get(docs::style))
        .with_state(api)
        .merge(pages)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method);
    Front::new(routes, is_open)
}
