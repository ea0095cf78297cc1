//! The day quotas of every account.

pub(super) mod convert;
pub mod wire;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::problem::ApiError;
use crate::api::wire::{ListAnswer, ProblemAnswer};
use wire::PoolAnswer;

/// What is left of each day quota.
#[utoipa::path(get, path = "/v1/quota", operation_id = "quota", responses(
    (status = 200, description = "every pool that the providers have named, on one page", body = ListAnswer<PoolAnswer>),
    (status = 403, description = "the scope read or oncall is missing", body = ProblemAnswer),
))]
pub(crate) async fn list(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
) -> Result<Json<ListAnswer<PoolAnswer>>, ApiError> {
    let items = api.service.quota(&caller).await?.iter().map(convert::pool).collect();
    Ok(Json(ListAnswer { items, next_cursor: None }))
}
