//! What the monitor knows of accounts and domains before a refresh fails on it.

pub mod wire;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use self::wire::{FindingAnswer, FindingsAnswer};
use super::jobs::convert::time;
use crate::api::Api;
use crate::api::auth::AuthenticatedCaller;
use crate::api::problem::ApiError;
use crate::api::wire::ProblemAnswer;
use crate::domain::Timestamp;
use crate::service::Finding;

/// What the last rounds of the monitor saw: accounts and quotas, and the domains that the token may read.
#[utoipa::path(get, path = "/v1/findings", operation_id = "findings", responses(
    (status = 200, description = "worst first, on one page", body = FindingsAnswer),
    (status = 403, description = "the scope read or oncall is missing", body = ProblemAnswer),
))]
pub(crate) async fn list(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
) -> Result<Json<FindingsAnswer>, ApiError> {
    let (findings, rounded_at) = api.diagnoses.findings(&caller)?;
    Ok(Json(answer(&findings, rounded_at)))
}

/// Walks a round now, which takes some seconds for each domain, and answers with what it saw.
#[utoipa::path(post, path = "/v1/findings/check", operation_id = "check_findings", responses(
    (status = 200, description = "worst first, on one page", body = FindingsAnswer),
    (status = 403, description = "the scope oncall or diagnose is missing", body = ProblemAnswer),
    (status = 429, description = "too many at once, or too many of this token; Retry-After tells when", body = ProblemAnswer),
))]
pub(crate) async fn check(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
) -> Result<Json<FindingsAnswer>, ApiError> {
    let (findings, rounded_at) = api.diagnoses.check_findings(&caller).await?;
    Ok(Json(answer(&findings, rounded_at)))
}

#[must_use]
pub(crate) fn answer(findings: &[Finding], rounded_at: Option<Timestamp>) -> FindingsAnswer {
    let items = findings.iter().map(|finding| FindingAnswer {
        account: finding.account.to_string(),
        subject: finding.subject.clone(),
        check: finding.check.to_string(),
        result: finding.result.to_string(),
        seen: finding.seen.clone(),
        action: finding.action.clone(),
        since: time(finding.since),
        checked_at: time(finding.checked_at),
    });
    FindingsAnswer { items: items.collect(), next_cursor: None, rounded_at: rounded_at.map(time) }
}
