//! The HTTP API: parses requests, calls the service, and writes answers as JSON.

mod auth;
mod body;
mod etag;
mod extract;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod middleware;
mod pagination;
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
    let (routes, mut document) = routes::all().split_for_parts();
    let (docs, of_docs) = routes::docs::routes().split_for_parts();
    document.merge(of_docs);
    let routes = routes
        .with_state(api)
        .merge(docs.with_state(Arc::new(document)))
        .merge(pages)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method);
    App::new(routes, is_open)
}
