//! The figures of this moment for Prometheus, behind the door with a token, and at `metrics.listen` without one.

mod families;
mod format;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::families::Families;
use self::format::Format;
use crate::api::auth::Known;
use crate::api::problem;
use crate::api::problem::ApiError;
use crate::api::wire::ProblemAnswer;
use crate::api::{Api, Front};
use crate::service::{Desk, Measures, Service};

/// Figures for Prometheus: what has happened since the start, and how it stands now. As OpenMetrics to whoever accepts that.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", responses(
    (status = 200, description = "the text format 0.0.4, or OpenMetrics 1.0.0", content_type = "text/plain", body = String),
    (status = 401, description = "no valid token; none is needed on metrics.listen", body = ProblemAnswer),
    (status = 403, description = "neither read on all hosts nor oncall nor admin", body = ProblemAnswer),
))]
pub(in crate::api) async fn scrape(
    Known(caller): Known,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    api.service.may_measure(&caller)?;
    answer(api.service.measures(&api.desk).await?, &headers)
}

/// What is served on `metrics.listen`, and nothing else is.
#[derive(Clone)]
pub struct Figures {
    pub service: Service,
    pub desk: Arc<Desk>,
}

impl Figures {
    pub fn front(self) -> Front {
        let routes = Router::new()
            .route("/metrics", get(scrape_openly))
            .with_state(Arc::new(self))
            .fallback(problem::no_such_path)
            .method_not_allowed_fallback(problem::wrong_method);
        Front::new(routes, false)
    }
}

async fn scrape_openly(State(figures): State<Arc<Figures>>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(figures.service.measures(&figures.desk).await?, &headers)
}

fn answer(measures: Measures, headers: &HeaderMap) -> Result<Response, ApiError> {
    let format = Format::asked_for(headers);
    let text = format.written(Families(measures)).map_err(|error| ApiError::Internal(format!("metrics: {error}")))?;
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    Ok(response)
}
