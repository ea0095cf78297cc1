//! The dry run of a job.

pub(super) mod convert;
pub mod wire;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;

use super::jobs;
use crate::api::auth::AuthenticatedCaller;
use crate::api::problem::ApiError;
use crate::api::wire::{JobBody, ProblemAnswer};
use crate::api::{Api, body};
use wire::PlanAnswer;

/// Says what would become of a job. Nothing is sent or kept; what posting it would refuse is refused in the same words.
#[utoipa::path(post, path = "/v1/plan", request_body = JobBody, responses(
    (status = 200, description = "what would become of it", body = PlanAnswer),
    (status = 401, description = "no token, or none that is good", body = ProblemAnswer),
    (status = 403, description = "a scope is missing; errors names each target that takes it", body = ProblemAnswer),
    (status = 422, description = "something in the body is wrong", body = ProblemAnswer),
))]
pub(crate) async fn plan(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PlanAnswer>, ApiError> {
    let body: JobBody = body::json(&headers, body).await?;
    let plan = api.service.plan(&caller, &jobs::job_input(body)).await?;
    Ok(Json(convert::plan(plan)))
}
