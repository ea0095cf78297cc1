//! The API in OpenAPI 3.1, made from the handlers themselves.

use axum::Json;
use utoipa::OpenApi;

use super::routes::diagnoses::wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer, DiagnosisBody, SubjectAnswer};
use super::routes::findings::wire::{FindingAnswer, FindingsAnswer};
use super::routes::jobs::{changes, lists};
use super::routes::wire::{
    DepthAnswer, LaneAnswer, LanePlanAnswer, LeavesAnswer, PauseAnswer, PauseBody, PlanAnswer, PlannedTarget,
    PoolAnswer, PoolCostAnswer, WhyAnswer,
};
use super::routes::{diagnoses, docs, findings, health, jobs, metrics};
use super::wire::{
    CountsAnswer, ErrorAnswer, EventAnswer, EvidenceAnswer, FieldErrorAnswer, ItemAnswer, JobAnswer, JobBody,
    ListAnswer, ObservedResponseAnswer, ProblemAnswer, ReadyAnswer, WaitingAnswer, WarningAnswer,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "refreshd", description = "Makes a CDN serve fresh content."),
    paths(jobs::create, jobs::list, jobs::one, changes::cancel, changes::retry, lists::items, lists::events, crate::api::routes::plan::plan, crate::api::routes::quota::list,
        crate::api::routes::lanes::list, crate::api::routes::lanes::pause, crate::api::routes::lanes::resume,
        diagnoses::create, diagnoses::one, diagnoses::bundle, diagnoses::of_job, diagnoses::bundle_of_job,
        findings::list, findings::check, health::live, health::ready, metrics::scrape, document, docs::page),
    components(schemas(
        JobBody, JobAnswer, CountsAnswer, WaitingAnswer, WarningAnswer, ItemAnswer, EvidenceAnswer, ObservedResponseAnswer, EventAnswer, ErrorAnswer,
        ListAnswer<JobAnswer>, ListAnswer<ItemAnswer>, ListAnswer<EventAnswer>, ProblemAnswer, FieldErrorAnswer, ReadyAnswer,
        PoolAnswer, LaneAnswer, DepthAnswer, WhyAnswer, PauseAnswer, PauseBody, PlanAnswer, PlannedTarget, LanePlanAnswer,
        PoolCostAnswer, LeavesAnswer, ListAnswer<PoolAnswer>, ListAnswer<LaneAnswer>,
        DiagnosisBody, DiagnosisAnswer, SubjectAnswer, CauseAnswer, CheckAnswer, FindingsAnswer, FindingAnswer,
    ))
)]
pub(super) struct Document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
