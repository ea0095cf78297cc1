//! `GET /v1/jobs/{id}/events`: a job's history, page by page.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};

use super::convert;
use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::extract::JobPath;
use crate::api::pagination::{list, page, wrong_query};
use crate::api::problem::ApiError;
use crate::api::wire::{EventAnswer, ListAnswer, PageQuery, ProblemAnswer};

/// A job's history, oldest first.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", params(
    ("id" = String, Path, description = "the job's id"),
    ("limit" = Option<u32>, Query, description = "rows of a page, at most 500"),
    ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
), responses(
    (status = 200, description = "a page of events", body = ListAnswer<EventAnswer>),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
))]
pub(crate) async fn events(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<ListAnswer<EventAnswer>>, ApiError> {
    let Query(query) = query.map_err(|rejection| wrong_query(&rejection))?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let events = api.service.events(&caller, id, page).await?;
    let last = events.last().map(|event| event.seq);
    Ok(Json(list(events.iter().map(convert::event).collect(), last, page)))
}
