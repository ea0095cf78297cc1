//! `POST /v1/jobs/{id}/retry`: a new job of what failed or expired.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::convert;
use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::extract::JobPath;
use crate::api::problem::ApiError;
use crate::api::wire::{JobAnswer, ProblemAnswer};

/// Makes a new job of the failed and expired targets.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", params(("id" = String, Path, description = "the job's id")), responses(
    (status = 202, description = "the new job, stored", body = JobAnswer),
    (status = 403, description = "a scope that asking for the job takes is missing", body = ProblemAnswer),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
    (status = 409, description = "no target failed or expired", body = ProblemAnswer),
))]
pub(crate) async fn retry(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
) -> Result<Response, ApiError> {
    if api.draining.is_cancelled() {
        return Err(ApiError::Draining);
    }
    // Kept even if the client goes away in the middle.
    let service = api.service.clone();
    let retrying = tokio::spawn(async move { service.retry(&caller, id).await });
    let accepted = retrying.await.map_err(|error| ApiError::Internal(error.to_string()))??;
    let location = format!("/v1/jobs/{}", accepted.view.job.id);
    let mut response = (StatusCode::ACCEPTED, Json(convert::job(accepted.view))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
