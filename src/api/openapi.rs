//! The API in OpenAPI 3.1, made from the handlers themselves.

use axum::Json;
use utoipa::OpenApi;

use super::diagnoses::wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer, DiagnosisBody, SubjectAnswer};
use super::dispatch::wire::{
    DepthAnswer, LaneAnswer, LanePlanAnswer, LeavesAnswer, PauseAnswer, PauseBody, PlanAnswer, PlannedTarget,
    PoolAnswer, PoolCostAnswer, WhyAnswer,
};
use super::findings::wire::{FindingAnswer, FindingsAnswer};
use super::wire::{
    CountsAnswer, ErrorAnswer, EventAnswer, FaultAnswer, ItemAnswer, JobAnswer, JobBody, ListAnswer, ProblemAnswer,
    ReadyAnswer, SeenAnswer, SideAnswer, WaitingAnswer, WarningAnswer,
};
use super::{changes, diagnoses, dispatch, docs, findings, health, jobs, lists, metrics};

#[derive(OpenApi)]
#[openapi(
    info(title = "refreshd", description = "Makes a CDN serve fresh content."),
    paths(jobs::create, jobs::list, jobs::one, changes::cancel, changes::retry, lists::items, lists::events, dispatch::plan::plan, dispatch::quota::list,
        dispatch::lanes::list, dispatch::lanes::pause, dispatch::lanes::resume,
        diagnoses::create, diagnoses::one, diagnoses::bundle, diagnoses::of_job, diagnoses::bundle_of_job,
        findings::list, findings::check, health::live, health::ready, metrics::scrape, document, docs::page),
    components(schemas(
        JobBody, JobAnswer, CountsAnswer, WaitingAnswer, WarningAnswer, ItemAnswer, SeenAnswer, SideAnswer, EventAnswer, ErrorAnswer,
        ListAnswer<JobAnswer>, ListAnswer<ItemAnswer>, ListAnswer<EventAnswer>, ProblemAnswer, FaultAnswer, ReadyAnswer,
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
