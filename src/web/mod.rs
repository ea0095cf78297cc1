//! Pages for people, which work without JavaScript and load nothing from elsewhere.

mod jobs;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::service::Service;

/// What the pages work with.
#[derive(Clone)]
pub struct Web {
    pub service: Service,
    /// Names of accounts that talk to a simulated cloud.
    pub sandbox_accounts: std::sync::Arc<[String]>,
}

/// The pages. They speak for tenant `local`, so they are mounted in open mode only.
pub fn router(web: Web) -> Router {
    Router::new().route("/", get(jobs::overview)).route("/page.css", get(style)).with_state(web)
}

/// Nothing but our own style is loaded, nothing is run, and nobody may frame the page.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn page(html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, html).into_response()
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, include_str!("page.css")).into_response()
}
