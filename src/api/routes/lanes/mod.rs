//! The lanes: how much waits in each and why, and holding one back by hand.

pub(super) mod convert;
pub mod wire;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use crate::api::auth::AuthenticatedCaller;
use crate::api::problem::ApiError;
use crate::api::wire::{ListAnswer, ProblemAnswer};
use crate::api::{Api, body};
use crate::domain::LaneId;
use wire::{LaneAnswer, PauseBody};

/// How much waits in each lane, and why.
#[utoipa::path(get, path = "/v1/lanes", operation_id = "lanes", responses(
    (status = 200, description = "every lane that was ever used, on one page", body = ListAnswer<LaneAnswer>),
    (status = 403, description = "the scope read or oncall is missing", body = ProblemAnswer),
))]
pub(crate) async fn list(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
) -> Result<Json<ListAnswer<LaneAnswer>>, ApiError> {
    let items = api.service.lanes(&caller).await?.iter().map(convert::lane).collect();
    Ok(Json(ListAnswer { items, next_cursor: None }))
}

/// Holds a lane back until it is resumed, whatever its priority. What was sent is followed to its end. A lane that is
/// paused already keeps its first pause.
#[utoipa::path(post, path = "/v1/lanes/{id}/pause", operation_id = "pause_lane",
    params(("id" = String, Path, description = "the lane's id")),
    request_body(content = Option<PauseBody>, description = "may be left out"),
    responses(
        (status = 200, description = "the lane, paused: no call of it leaves from now on", body = LaneAnswer),
        (status = 403, description = "the scope control is missing", body = ProblemAnswer),
        (status = 404, description = "no such lane", body = ProblemAnswer),
        (status = 422, description = "a reason that is too long", body = ProblemAnswer),
))]
pub(crate) async fn pause(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LaneAnswer>, ApiError> {
    let PauseBody { reason } = body::json_if_any(&headers, body).await?;
    let view = api.service.pause_lane(&caller, lane_id(id.as_ref()), reason.as_deref()).await?;
    Ok(Json(convert::lane(&view)))
}

/// Lets a lane go on.
#[utoipa::path(post, path = "/v1/lanes/{id}/resume", operation_id = "resume_lane", params(("id" = String, Path, description = "the lane's id")), responses(
    (status = 200, description = "the lane, not paused any more", body = LaneAnswer),
    (status = 403, description = "the scope control is missing", body = ProblemAnswer),
    (status = 404, description = "no such lane", body = ProblemAnswer),
))]
pub(crate) async fn resume(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<LaneAnswer>, ApiError> {
    let view = api.service.resume_lane(&caller, lane_id(id.as_ref())).await?;
    Ok(Json(convert::lane(&view)))
}

/// An id that cannot be one names no lane: none has the number 0. Who may not ask learns nothing by it.
fn lane_id(id: Result<&Path<String>, &PathRejection>) -> LaneId {
    LaneId(id.ok().and_then(|Path(text)| text.parse().ok()).unwrap_or(0))
}
