//! `POST /v1/jobs`, `GET /v1/jobs` and `GET /v1/jobs/{id}`.

pub(super) mod cancel;
pub(super) mod convert;
pub(super) mod events;
pub(super) mod items;
pub(super) mod retry;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::api::auth::AuthenticatedCaller;
use crate::api::extract::JobPath;
use crate::api::pagination::{page, wrong_query};
use crate::api::problem::ApiError;
use crate::api::wire::{JobAnswer, JobBody, JobsQuery, ListAnswer, ProblemAnswer};
use crate::api::{Api, body, etag, prefer};
use crate::offload::{LARGE_JOB_TARGETS, offload_if_large};
use crate::service::{JobInput, JobSearch, JobView};
use crate::store::IdempotencyKey;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Accepts a job. A 202 is sent after the job is on stable storage.
#[utoipa::path(post, path = "/v1/jobs", request_body = JobBody, responses(
    (status = 202, description = "stored", body = JobAnswer),
    (status = 200, description = "stored, and final within the wait that was preferred", body = JobAnswer),
    (status = 401, description = "no token, or none that is good", body = ProblemAnswer),
    (status = 403, description = "a scope is missing; errors names each target that takes it", body = ProblemAnswer),
    (status = 408, description = "the body took too long to arrive; nothing was stored", body = ProblemAnswer),
    (status = 422, description = "something in the body is wrong; nothing was stored", body = ProblemAnswer),
    (status = 503, description = "stopping, or the database cannot be used; Retry-After tells when", body = ProblemAnswer),
))]
pub(crate) async fn create(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    if api.draining.is_cancelled() {
        return Err(ApiError::Draining);
    }
    let (Parts { headers, .. }, body) = request.into_parts();
    let body: JobBody = body::json(&headers, body).await?;
    let is_large = body.urls.len() + body.directories.len() >= LARGE_JOB_TARGETS;
    let idempotency = offload_if_large(is_large, || idempotency(&headers, &body)).await?;
    // If the client goes away in the middle, the job is kept or not as a whole: the writer finishes what it was given.
    let accepted = api.service.accept(&caller, &job_input(body), idempotency).await?;
    let id = accepted.view.job.id;
    let wait = prefer::wait(&headers).filter(|_| !accepted.replayed);
    let view = match wait {
        Some(wait) => api.service.wait_final(id, &api.draining, api.service.clock.now() + wait).await?,
        None => accepted.view,
    };
    let is_final = view.job.finished_at.is_some();
    let status = if wait.is_some() && is_final { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(convert::job(view))).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/jobs/{id}")) {
        headers.insert(header::LOCATION, location);
    }
    if accepted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    if wait.is_some() {
        headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("wait"));
    }
    Ok(response)
}

/// One job as it is now, or as soon as its status is final.
#[utoipa::path(get, path = "/v1/jobs/{id}", params(("id" = String, Path, description = "the job's id")), responses(
    (status = 200, description = "the job, with an ETag", body = JobAnswer),
    (status = 304, description = "as the client has it, by If-None-Match"),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
))]
pub(crate) async fn one(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wait = prefer::wait(&headers);
    let mut view: JobView = api.service.job(&caller, id).await?;
    if let Some(wait) = wait {
        view = api.service.wait_final(id, &api.draining, api.service.clock.now() + wait).await?;
    }
    let mut response = etag::answer(&headers, &convert::job(view))?;
    if wait.is_some() {
        response.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static("wait"));
    }
    Ok(response)
}

/// Jobs that fit every condition, newest first.
#[utoipa::path(get, path = "/v1/jobs", params(
    ("status" = Option<String>, Query, description = "a job's status"),
    ("operation" = Option<String>, Query, description = "purge, prefetch or refresh"),
    ("host" = Option<String>, Query, description = "a host that the job touches"),
    ("target" = Option<String>, Query, description = "a URL or directory of the job"),
    ("label" = Option<String>, Query, description = "key=value"),
    ("source" = Option<String>, Query, description = "the job's source"),
    ("tenant" = Option<String>, Query, description = "another tenant than one's own, with the scope oncall"),
    ("since" = Option<String>, Query, description = "RFC 3339: created at or after"),
    ("until" = Option<String>, Query, description = "RFC 3339: created before"),
    ("task_id" = Option<String>, Query, description = "the provider's task"),
    ("q" = Option<String>, Query, description = "exactly a job, task or request id, target, host or label value"),
    ("limit" = Option<u32>, Query, description = "rows of a page, at most 500"),
    ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
), responses(
    (status = 200, description = "a page of jobs; of each job's `warnings` the first three at most, and one that counts the rest", body = ListAnswer<JobAnswer>),
    (status = 422, description = "a condition that cannot be", body = ProblemAnswer),
))]
pub(crate) async fn list(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    query: Result<Query<JobsQuery>, QueryRejection>,
) -> Result<Json<ListAnswer<JobAnswer>>, ApiError> {
    let Query(query) = query.map_err(|rejection| wrong_query(&rejection))?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let before = (page.after > 0).then_some(page.after);
    let jobs = api.service.search(&caller, &search(query), before, page.limit).await?;
    let items = jobs.views.into_iter().map(convert::listed).collect();
    Ok(Json(ListAnswer { items, next_cursor: jobs.next.map(|next| next.to_string()) }))
}

fn search(query: JobsQuery) -> JobSearch {
    JobSearch {
        status: query.status,
        operation: query.operation,
        host: query.host,
        target: query.target,
        label: query.label,
        source: query.source,
        tenant: query.tenant,
        since: query.since,
        until: query.until,
        task_id: query.task_id,
        q: query.q,
    }
}

fn idempotency(headers: &HeaderMap, body: &JobBody) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let detail = format!("Idempotency-Key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
        return Err(ApiError::fault("", "bad_idempotency_key", detail));
    }
    // The parsed body, written again: spelling and order of fields do not make another job.
    let canonical = serde_json::to_vec(body).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(Some(IdempotencyKey { key: key.to_owned(), fingerprint: Sha256::digest(&canonical).into() }))
}

pub(crate) fn job_input(body: JobBody) -> JobInput {
    JobInput {
        operation: body.operation,
        urls: body.urls,
        directories: body.directories,
        mode: body.mode,
        area: body.area,
        priority: body.priority,
        not_before: body.not_before,
        deadline: body.deadline,
        labels: body.labels,
        source: body.source,
        verify: body.verify,
        notify: body.notify,
    }
}
