//! The HTTP messages of the API: a request as it arrived, and the responses, whole or damaged by a fault.

use std::convert::Infallible;
use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::error::CloudError;
use super::time_formats;
use crate::domain::Timestamp;
use crate::sandbox::faults::GatewayAnswer;
use crate::sandbox::listener::DroppedConnectionError;

/// What a call that was not refused answers, and what it did.
#[derive(Debug, Default)]
pub(super) struct ActionOutcome {
    pub(super) fields: Map<String, Value>,
    pub(super) task_id: Option<String>,
    pub(super) charged: u64,
}

/// The moment of a call, on two clocks that differ only under a `skew` fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallTime {
    /// The sandbox's own clock: rates, quotas and task times.
    pub(super) now: Timestamp,
    /// What the cloud believes and says: signature window, `Date`, creation times.
    pub(super) timestamp: Timestamp,
}

/// The provider's figure for POST.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Read to its end, so that the client hears why it was refused; beyond this it is cut off.
const BODY_BYTES_DRAINED_MAX: usize = 64 * 1024 * 1024;

pub(super) struct IncomingRequest {
    pub(super) parts: Parts,
    /// Empty if it was too large.
    pub(super) body: Bytes,
    /// `None` if the body is not JSON.
    pub(super) params: Option<Value>,
    too_large: bool,
}

impl IncomingRequest {
    pub(super) async fn read(request: Request<Body>) -> Result<Self, DroppedConnectionError> {
        let (parts, body) = request.into_parts();
        let mut chunks = body.into_data_stream();
        let mut body = BytesMut::new();
        let mut length = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| DroppedConnectionError)?;
            length += chunk.len();
            if length > BODY_BYTES_DRAINED_MAX {
                return Err(DroppedConnectionError);
            }
            if length <= BODY_BYTES_MAX {
                body.extend_from_slice(&chunk);
            }
        }
        let too_large = length > BODY_BYTES_MAX;
        let body = if too_large { Bytes::new() } else { body.freeze() };
        let params = if body.is_empty() { Some(Value::Object(Default::default())) } else { parsed(&body) };
        Ok(Self { parts, body, params, too_large })
    }

    pub(super) fn check_protocol(&self) -> Result<(), CloudError> {
        if self.too_large {
            return Err(CloudError::new("RequestSizeLimitExceeded", "The request is larger than 10 MB."));
        }
        if self.parts.method != Method::POST {
            return Err(CloudError::new("UnsupportedProtocol", "The sandbox takes POST requests only."));
        }
        let content_type = self.parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("application/json")) {
            return Err(CloudError::new("UnsupportedProtocol", "The sandbox takes application/json only."));
        }
        Ok(())
    }

    /// The action asked for, known or not; empty if none is named.
    pub(super) fn action(&self) -> &str {
        self.parts.headers.get("x-tc-action").and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The URLs or directories that the call lists, as far as they can be made out.
    pub(super) fn targets(&self) -> Vec<&str> {
        let urls = self.params.as_ref().and_then(|params| params.get("Urls").or_else(|| params.get("Paths")));
        urls.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

impl IncomingRequest {
    /// The hosts of what the call lists.
    pub(super) fn hosts(&self) -> Vec<String> {
        let host = |target: &&str| {
            let rest = target.split_once("://").map_or(*target, |(_, rest)| rest);
            rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
        };
        self.targets().iter().map(host).collect()
    }
}

fn parsed(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

pub(super) const GARBAGE: &str = "<html><body>It works!</body></html>";

pub(super) fn envelope(outcome: Result<ActionOutcome, CloudError>, request_id: &str) -> String {
    let mut response = match outcome {
        Ok(success) => Value::Object(success.fields),
        Err(error) => json!({"Error": {"Code": error.code, "Message": error.message}}),
    };
    response["RequestId"] = Value::from(request_id);
    json!({"Response": response}).to_string()
}

/// Refusals too are 200, and the content type is bare: the official Python SDK does not see errors under another.
pub(super) fn json(body: impl Into<Body>, timestamp: Timestamp) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    dated(response, timestamp)
}

/// Without a date of ours the server would tell the machine's, which is another time under a clock moved by hand.
fn dated(mut response: Response<Body>, timestamp: Timestamp) -> Response<Body> {
    if let Ok(date) = HeaderValue::from_str(&time_formats::http_date(timestamp)) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Promises the whole answer and closes in its middle.
pub(super) fn truncated(envelope: &str, timestamp: Timestamp) -> Response<Body> {
    let half = Bytes::copy_from_slice(&envelope.as_bytes()[..envelope.len() / 2]);
    let broken = async {
        // An error at once would take the first half with it, before it is written.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let pieces = stream::iter([Ok(half)]).chain(stream::once(broken));
    let mut response = json(Body::from_stream(pieces), timestamp);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(envelope.len()));
    response
}

/// White space without an end, as fast as it is read.
pub(super) fn endless(timestamp: Timestamp) -> Response<Body> {
    let blank = Bytes::from_static(&[b' '; 16 * 1024]);
    json(Body::from_stream(stream::repeat(Ok::<_, Infallible>(blank))), timestamp)
}

pub(super) fn gateway(answer: &GatewayAnswer, timestamp: Timestamp) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    dated(response, timestamp)
}
