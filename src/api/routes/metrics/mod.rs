//! The figures of this moment for Prometheus, with a token, and at `metrics.listen` without one.

mod families;
mod format;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::families::Families;
use self::format::MetricsFormat;
use crate::api::auth::AuthenticatedCaller;
use crate::api::problem;
use crate::api::problem::ApiError;
use crate::api::wire::ProblemAnswer;
use crate::api::{Api, App};
use crate::service::{DiagnosisService, MetricsSnapshot, Service};

/// Figures for Prometheus: what has happened since the start, and how it stands now. As OpenMetrics to a client that accepts that.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", responses(
    (status = 200, description = "the text format 0.0.4, or OpenMetrics 1.0.0", content_type = "text/plain", body = String),
    (status = 401, description = "no valid token; none is needed on metrics.listen", body = ProblemAnswer),
    (status = 403, description = "neither read on all hosts nor oncall nor admin", body = ProblemAnswer),
))]
pub(crate) async fn scrape(
    AuthenticatedCaller(caller): AuthenticatedCaller,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    api.service.may_measure(&caller)?;
    answer(api.service.snapshot(&api.diagnoses).await?, &headers)
}

/// What is served on `metrics.listen`, and nothing else is.
#[derive(Clone)]
pub struct MetricsApp {
    pub service: Service,
    pub diagnoses: Arc<DiagnosisService>,
}

impl MetricsApp {
    pub fn front(self) -> App {
        let routes = Router::new()
            .route("/metrics", get(scrape_openly))
            .with_state(Arc::new(self))
            .fallback(problem::no_such_path)
            .method_not_allowed_fallback(problem::wrong_method);
        App::new(routes, false)
    }
}

async fn scrape_openly(State(figures): State<Arc<MetricsApp>>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(figures.service.snapshot(&figures.diagnoses).await?, &headers)
}

fn answer(measures: MetricsSnapshot, headers: &HeaderMap) -> Result<Response, ApiError> {
    let format = MetricsFormat::asked_for(headers);
    let text = format.written(Families(measures)).map_err(|error| ApiError::Internal(format!("metrics: {error}")))?;
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    Ok(response)
}
