//! A request as it arrived: its head, its whole body, and a first look at what it lists.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::request::Parts;
use http::{Method, Request, header};
use serde_json::Value;

use super::error::ApiRefusal;
use crate::sandbox::faults::DroppedConnectionError;

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

    pub(super) fn check_protocol(&self) -> Result<(), ApiRefusal> {
        if self.too_large {
            return Err(ApiRefusal::new("RequestSizeLimitExceeded", "The request is larger than 10 MB."));
        }
        if self.parts.method != Method::POST {
            return Err(ApiRefusal::new("UnsupportedProtocol", "The sandbox takes POST requests only."));
        }
        let content_type = self.parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("application/json")) {
            return Err(ApiRefusal::new("UnsupportedProtocol", "The sandbox takes application/json only."));
        }
        Ok(())
    }

    /// The action asked for, known or not; empty if none is named.
    pub(super) fn action(&self) -> &str {
        self.parts.headers.get("x-tc-action").and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The URLs or directories that the call lists, as far as they can be made out.
    pub(super) fn targets(&self) -> Vec<&str> {
        let listed = self.params.as_ref().and_then(|params| params.get("Urls").or_else(|| params.get("Paths")));
        listed.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
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
