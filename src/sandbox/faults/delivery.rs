//! How a body reaches its client: in parts, slowly, or not whole.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Body};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, header};

use crate::clock::Clock;

const PARTS: usize = 8;

/// The whole body. The simulated servers have theirs in memory.
pub(super) async fn whole(body: Body) -> Bytes {
    body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

/// Without a length, with `pause` between two parts.
pub(super) async fn in_chunks(response: Response<Body>, pause: Duration, clock: &Arc<dyn Clock>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let body = whole(body).await;
    let size = body.len().div_ceil(PARTS).max(1);
    let clock = Arc::clone(clock);
    let chunks = stream::unfold((body, clock), move |(mut rest, clock)| async move {
        if rest.is_empty() {
            return None;
        }
        let part = rest.split_to(size.min(rest.len()));
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
        Some((io::Result::Ok(part), (rest, clock)))
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}

/// The length of the whole, and half of it.
pub(super) async fn broken_off(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let mut body = whole(body).await;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    body.truncate(body.len() / 2);
    let halves = stream::iter([Some(body), None]).then(|half| async {
        match half {
            Some(half) => Ok(half),
            None => {
                // What came before is sent first.
                tokio::task::yield_now().await;
                Err(io::Error::other("the body breaks off on purpose"))
            }
        }
    });
    Response::from_parts(parts, Body::from_stream(halves))
}
