//! The API in OpenAPI 3.1, made from the handlers themselves.

use axum::Json;
use utoipa::OpenApi;

use super::wire::{
    CountsAnswer, ErrorAnswer, EventAnswer, FaultAnswer, ItemAnswer, JobAnswer, JobBody, ListAnswer, ProblemAnswer,
    ReadyAnswer, WaitingAnswer, WarningAnswer,
};
use super::{changes, health, jobs, lists};

#[derive(OpenApi)]
#[openapi(
    info(title = "refreshd", description = "Makes a CDN serve fresh content."),
    paths(jobs::create, jobs::list, jobs::one, changes::cancel, changes::retry, lists::items, lists::events, health::live, health::ready, document),
    components(schemas(
        JobBody, JobAnswer, CountsAnswer, WaitingAnswer, WarningAnswer, ItemAnswer, EventAnswer, ErrorAnswer,
        ListAnswer<JobAnswer>, ListAnswer<ItemAnswer>, ListAnswer<EventAnswer>, ProblemAnswer, FaultAnswer, ReadyAnswer,
    ))
)]
struct Document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
