//! Asking why a refresh failed or had no effect, and taking the answer home as files.

pub mod wire;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use self::wire::{DiagnosisAnswer, DiagnosisBody};
use crate::api::auth::AuthenticatedCaller;
use crate::api::extract::JobPath;
use crate::api::problem::ApiError;
use crate::api::wire::ProblemAnswer;
use crate::api::{Api, body};
use crate::domain::DiagnosisId;
use crate::service::{Caller, DiagnosisRecord, DiagnosisRequest};

/// Looks into a job, a URL or a host, for some seconds. Nothing is changed by it.
#[utoipa::path(post, path = "/v1/diagnoses", operation_id = "diagnose", request_body = DiagnosisBody, responses(
    (status = 200, description = "what was found; Location is where it can be read for 30 days", body = DiagnosisAnswer),
    (status = 403, description = "the scope diagnose is missing, or any that may purge or prefetch on the host", body = ProblemAnswer),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
    (status = 422, description = "not exactly one of url, host and job, none that can be, or a host without a route", body = ProblemAnswer),
    (status = 429, description = "too many at once, or too many of this token; Retry-After tells when", body = ProblemAnswer),
))]
pub(crate) async fn create(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let DiagnosisBody { url, host, job } = body::json(&headers, body).await?;
    if api.draining.is_cancelled() {
        return Err(ApiError::Draining);
    }
    let dossier = api.diagnoses.diagnose(&caller, &DiagnosisRequest { url, host, job }).await?;
    let location = HeaderValue::try_from(format!("/v1/diagnoses/{}", dossier.answer.id));
    let mut response = Json(dossier.answer).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A diagnosis that was made before.
#[utoipa::path(get, path = "/v1/diagnoses/{id}", operation_id = "diagnosis",
    params(("id" = String, Path, description = "the diagnosis's id")), responses(
    (status = 200, description = "as it was found", body = DiagnosisAnswer),
    (status = 404, description = "no such diagnosis, another tenant's, or none any more", body = ProblemAnswer),
))]
pub(crate) async fn one(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    DiagnosisPath(id): DiagnosisPath,
) -> Result<Json<DiagnosisAnswer>, ApiError> {
    Ok(Json(api.diagnoses.stored(&caller, id).await?.answer))
}

/// A diagnosis as files for a support ticket, without secrets.
#[utoipa::path(get, path = "/v1/diagnoses/{id}/bundle", operation_id = "bundle",
    params(("id" = String, Path, description = "the diagnosis's id")), responses(
    (status = 200, description = "a zip with report.md, report.json and the evidence", content_type = "application/zip", body = Vec<u8>),
    (status = 404, description = "no such diagnosis, another tenant's, or none any more", body = ProblemAnswer),
))]
pub(crate) async fn bundle(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    DiagnosisPath(id): DiagnosisPath,
) -> Result<Response, ApiError> {
    let dossier = api.diagnoses.stored(&caller, id).await?;
    Ok(zipped(&api, &caller, &dossier))
}

/// The last diagnosis of a job, if it is less than a minute old and the job has not changed since; else a new one, which
/// takes some seconds.
#[utoipa::path(get, path = "/v1/jobs/{id}/diagnosis", operation_id = "job_diagnosis",
    params(("id" = String, Path, description = "the job's id")), responses(
    (status = 200, description = "what was found", body = DiagnosisAnswer),
    (status = 403, description = "the scope diagnose is missing, or any that may purge or prefetch on the host", body = ProblemAnswer),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
    (status = 429, description = "too many at once, or too many of this token; Retry-After tells when", body = ProblemAnswer),
))]
pub(crate) async fn of_job(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
) -> Result<Json<DiagnosisAnswer>, ApiError> {
    Ok(Json(api.diagnoses.of_job(&caller, id).await?.answer))
}

/// The same diagnosis as files for a support ticket, without secrets.
#[utoipa::path(get, path = "/v1/jobs/{id}/bundle", operation_id = "job_bundle",
    params(("id" = String, Path, description = "the job's id")), responses(
    (status = 200, description = "a zip with report.md, report.json and the evidence", content_type = "application/zip", body = Vec<u8>),
    (status = 403, description = "the scope diagnose is missing, or any that may purge or prefetch on the host", body = ProblemAnswer),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
    (status = 429, description = "too many at once, or too many of this token; Retry-After tells when", body = ProblemAnswer),
))]
pub(crate) async fn bundle_of_job(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
) -> Result<Response, ApiError> {
    let dossier = api.diagnoses.of_job(&caller, id).await?;
    Ok(zipped(&api, &caller, &dossier))
}

fn zipped(api: &Api, caller: &Caller, dossier: &DiagnosisRecord) -> Response {
    let mut response = api.diagnoses.bundle(caller, dossier).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = format!("attachment; filename=\"refreshd-{}.zip\"", dossier.answer.id);
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// The diagnosis that a path names. What cannot be an id names none.
pub(crate) struct DiagnosisPath(DiagnosisId);

impl<S: Send + Sync> FromRequestParts<S> for DiagnosisPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or(ApiError::NotFound("diagnosis"))
    }
}
