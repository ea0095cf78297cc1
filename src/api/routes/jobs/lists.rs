//! Pages of a job's items and events.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};

use super::JobPath;
use super::convert;
use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::problem::ApiError;
use crate::api::wire::{EventAnswer, ItemAnswer, ListAnswer, PageQuery, ProblemAnswer};
use crate::store::Page;

/// Rows of a page (CONTRACT §1).
const ROWS_MAX: u32 = 500;
const ROWS_DEFAULT: u32 = 100;

/// A job's targets.
#[utoipa::path(get, path = "/v1/jobs/{id}/items", params(
    ("id" = String, Path, description = "the job's id"),
    ("limit" = Option<u32>, Query, description = "rows of a page, at most 500"),
    ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
), responses(
    (status = 200, description = "a page of targets", body = ListAnswer<ItemAnswer>),
    (status = 404, description = "no such job, or another tenant's", body = ProblemAnswer),
))]
pub(crate) async fn items(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    JobPath(id): JobPath,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<ListAnswer<ItemAnswer>>, ApiError> {
    let Query(query) = query.map_err(|rejection| wrong_query(&rejection))?;
    let page = page(query.limit, query.cursor.as_deref())?;
    let items = api.service.items(&caller, id, page).await?;
    let last = items.last().map(|item| item.id.0);
    Ok(Json(answer(items.iter().map(convert::item).collect(), last, page)))
}

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
    Ok(Json(answer(events.iter().map(convert::event).collect(), last, page)))
}

pub(crate) fn wrong_query(rejection: &QueryRejection) -> ApiError {
    ApiError::fault("", "wrong_query", rejection.body_text())
}

/// The page that a query asks for.
pub(crate) fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, ApiError> {
    let limit = limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(ApiError::fault("", "wrong_query", format!("limit is 1 to {ROWS_MAX}")));
    }
    let after = match cursor.map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(ApiError::fault("", "wrong_query", "cursor is a next_cursor of an earlier page")),
    };
    Ok(Page { after, limit })
}

/// A page with the way to the next one: a page that is not full is the last.
pub(crate) fn answer<T>(items: Vec<T>, last: Option<i64>, page: Page) -> ListAnswer<T> {
    let is_full = items.len() >= usize::try_from(page.limit).unwrap_or(usize::MAX);
    ListAnswer { next_cursor: last.filter(|_| is_full).map(|last| last.to_string()), items }
}
