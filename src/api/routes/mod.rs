//! The routes, each registered once: the router and the OpenAPI document are made of the same list. One file or folder for
//! each resource: its handlers, its wire shapes, and how domain values become them.

pub mod diagnoses;
pub(super) mod docs;
pub(crate) mod findings;
mod health;
pub(super) mod jobs;
pub mod lanes;
pub(super) mod metrics;
pub mod plan;
pub mod quota;

use std::sync::Arc;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

#[derive(OpenApi)]
#[openapi(info(title = "refreshd", description = "Makes a CDN serve fresh content."))]
struct Info;

/// Every route that works on the service, and its part of the document.
pub(super) fn all() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Info::openapi())
        .routes(routes!(jobs::create, jobs::list))
        .routes(routes!(jobs::one))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(jobs::retry::retry))
        .routes(routes!(jobs::items::items))
        .routes(routes!(jobs::events::events))
        .routes(routes!(diagnoses::of_job))
        .routes(routes!(diagnoses::bundle_of_job))
        .routes(routes!(diagnoses::create))
        .routes(routes!(diagnoses::one))
        .routes(routes!(diagnoses::bundle))
        .routes(routes!(findings::list))
        .routes(routes!(findings::check))
        .routes(routes!(plan::plan))
        .routes(routes!(quota::list))
        .routes(routes!(lanes::list))
        .routes(routes!(lanes::pause))
        .routes(routes!(lanes::resume))
        .routes(routes!(metrics::scrape))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}
