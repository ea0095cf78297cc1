//! The two bodies of a request: the one that comes has a deadline, the one that goes marks the end of the serving.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::Sleep;

use super::connection_timeouts::InFlightGuard;
use crate::clock::Stopwatch;

/// The body did not arrive whole within its limit.
#[derive(Debug, Clone, Copy, Error)]
#[error("the body did not arrive within {} s", .limit.as_secs())]
pub(crate) struct BodyTimeoutError {
    pub(crate) limit: Duration,
}

/// A request's body that must be whole before its deadline, however steadily it trickles.
pub(crate) struct TimeoutBody<B> {
    body: B,
    limit: Duration,
    since: Stopwatch,
    /// Only for a body that has to be waited for: most have come with their head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> TimeoutBody<B> {
    pub(crate) fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, since: Stopwatch::start(), timer: None }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for TimeoutBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The deadline goes first: a body that always has a little more must meet it too.
        let duration = self.limit.saturating_sub(self.since.elapsed());
        if !duration.is_zero() {
            if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(duration)));
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(BodyTimeoutError { limit: self.limit }.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; the request is being served until it is dropped.
pub(super) struct TrackedBody {
    body: axum::body::Body,
    _serving: InFlightGuard,
}

impl TrackedBody {
    pub(super) fn new(body: axum::body::Body, serving: InFlightGuard) -> Self {
        Self { body, _serving: serving }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
