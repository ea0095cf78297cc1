//! What the paths of several routes name.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::ApiError;
use crate::domain::JobId;

/// The job that a path names. What cannot be an id, or is no text at all, names none.
pub(crate) struct JobPath(pub(crate) JobId);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or(ApiError::NotFound("job"))
    }
}
