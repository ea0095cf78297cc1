//! `GET /v1/jobs/{id}/items`: a job's targets, page by page.

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
use crate::api::wire::{ItemAnswer, ListAnswer, PageQuery, ProblemAnswer};

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
    Ok(Json(list(items.iter().map(convert::item).collect(), last, page)))
}
