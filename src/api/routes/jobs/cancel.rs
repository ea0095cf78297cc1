//! `POST /v1/jobs/{id}/cancel`: ends what was not sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::convert;
use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::extract::JobPath;
use crate::api::problem::ApiError;
use crate::api::wire::{JobAnswer, ProblemAnswer};

/// Ends a job's pending targets. What was sent is followed to its end.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", params(("id" = String, Path, description = "the job's id")), responses(
    (status = 200, description = "the job as it is now", body = JobAnswer),
    (status = 403, description = "a scope that asking for the job takes is missing", body = ProblemAnswer),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
    (status = 409, description = "the job is final already", body = ProblemAnswer),
))]
pub(crate) async fn cancel(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
) -> Result<Json<JobAnswer>, ApiError> {
    let view = api.service.cancel(&caller, id).await?;
    Ok(Json(convert::job(view)))
}
