//! What every request passes on its way in and out, whatever it asks for: the guard of open mode, an id, and the wording of
//! errors. It stands around the routes and is not a layer of them: axum boxes a layer's service and its future for each request.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::auth;
use super::problem::ApiError;
use super::server::Handler;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The routes behind what all of them share.
#[derive(Clone)]
pub struct App {
    routes: Router,
    /// Open mode.
    only_loopback_names: bool,
}

impl App {
    pub(super) const fn new(routes: Router, only_loopback_names: bool) -> Self {
        Self { routes, only_loopback_names }
    }
}

impl Handler for App {
    async fn answer(self, request: Request) -> Response {
        let info = RequestInfo { id: Uuid::new_v4(), method: request.method().clone(), uri: request.uri().clone() };
        let refusal = self.only_loopback_names.then(|| auth::only_loopback_names(request.headers()).err()).flatten();
        let response = match refusal {
            Some(refusal) => refusal.into_response(),
            None => self.routes.answer(request).await,
        };
        info.finish(response)
    }
}

/// What is told of a request that failed.
struct RequestInfo {
    id: Uuid,
    method: Method,
    uri: Uri,
}

impl RequestInfo {
    /// Names the request in its answer, and words the error if it is one.
    fn finish(self, mut response: Response) -> Response {
        let id = self.id.to_string();
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            if let ApiError::Internal(cause) | ApiError::StoreUnavailable(cause) = &error {
                let (method, path) = (&self.method, self.uri.path());
                tracing::error!(request.id = %id, %method, path = %path, error = %cause, "a request failed");
            }
            let allow = response.headers_mut().remove(header::ALLOW);
            response = error.to_problem(id.clone());
            response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
        }
        if let Ok(value) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
}
