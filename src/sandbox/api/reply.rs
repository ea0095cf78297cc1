//! Answers: the envelope, and the ways in which an answer can be spoiled.

use std::convert::Infallible;
use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::Done;
use super::error::ApiRefusal;
use super::time_formats;
use crate::domain::Timestamp;
use crate::sandbox::faults::GatewayAnswer;

pub(super) const GARBAGE: &str = "<html><body>It works!</body></html>";

pub(super) fn envelope(outcome: Result<Done, ApiRefusal>, request_id: &str) -> String {
    let mut response = match outcome {
        Ok(done) => Value::Object(done.fields),
        Err(refusal) => json!({"Error": {"Code": refusal.code, "Message": refusal.message}}),
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
