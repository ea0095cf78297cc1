//! What a connection waits for, felt at its two ends: the bytes that come and go, and the requests that are served.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::ServerLimits;
use crate::clock::Stopwatch;

/// Whom or what a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// For the first byte at all.
    Silent,
    /// For the rest of a request's head.
    Head,
    /// For us. A body that is slow has a limit of its own, in `request.rs`.
    Serving,
    /// For the next request.
    Idle,
    /// For the peer to read what it asked for.
    Stalled,
}

/// Shared by the ends of one connection, which all live in its task.
#[derive(Debug)]
pub(super) struct ConnectionActivity(Mutex<State>);

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    write_is_blocked: bool,
    /// When the present wait began.
    since: Stopwatch,
}

impl ConnectionActivity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { phase: Phase::Silent, write_is_blocked: false, since: Stopwatch::start() }))
    }

    /// Serving, until the guard is dropped.
    pub(super) fn serving(self: &Arc<Self>) -> InFlightGuard {
        self.enter(Phase::Serving);
        InFlightGuard(self.clone())
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.since = Stopwatch::start();
    }

    fn bytes_came(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Silent | Phase::Idle) {
            state.phase = Phase::Head;
            state.since = Stopwatch::start();
        }
    }

    fn write_is(&self, blocked: bool) {
        let mut state = self.state();
        if state.write_is_blocked != blocked {
            state.write_is_blocked = blocked;
            state.since = Stopwatch::start();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole by itself, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waits_for(&self) -> Phase {
        if self.write_is_blocked { Phase::Stalled } else { self.phase }
    }
}

/// A request is being served, or its answer is on its way.
#[derive(Debug)]
pub(super) struct InFlightGuard(Arc<ConnectionActivity>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// Ends when the peer has kept a connection waiting for longer than the limit of what it waits for.
///
/// A request changes the wait several times, and a timer that is set anew each time costs more than parsing it. So the timer runs on
/// through the changes, never for longer than the shortest limit: it goes off before any wait can be overdue that began after it
/// was set, looks, and is set to the deadline if that is nearer.
pub(super) struct PhaseTimeout {
    pulse: Arc<ConnectionActivity>,
    limits: ServerLimits,
    timer: Pin<Box<Sleep>>,
}

impl PhaseTimeout {
    pub(super) fn new(pulse: Arc<ConnectionActivity>, limits: ServerLimits) -> Self {
        Self { pulse, limits, timer: Box::pin(tokio::time::sleep(shortest(&limits))) }
    }

    fn limit(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Silent => Some(self.limits.first_byte),
            Phase::Head => Some(self.limits.head),
            Phase::Serving => None,
            Phase::Idle => Some(self.limits.idle),
            Phase::Stalled => Some(self.limits.stalled),
        }
    }
}

fn shortest(limits: &ServerLimits) -> Duration {
    limits.first_byte.min(limits.head).min(limits.idle).min(limits.stalled)
}

impl Future for PhaseTimeout {
    type Output = Phase;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Phase> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let state = *self.pulse.state();
            let phase = state.waits_for();
            let duration = self.limit(phase).map_or(Duration::MAX, |limit| limit.saturating_sub(state.since.elapsed()));
            if duration.is_zero() {
                return Poll::Ready(phase);
            }
            let span = duration.min(shortest(&self.limits));
            self.timer.set(tokio::time::sleep(span));
        }
        Poll::Pending
    }
}

/// A stream that tells the pulse about its bytes.
pub(super) struct ObservedStream<S> {
    stream: S,
    pulse: Arc<ConnectionActivity>,
}

impl<S> ObservedStream<S> {
    pub(super) fn new(stream: S, pulse: Arc<ConnectionActivity>) -> Self {
        Self { stream, pulse }
    }

    fn written<T>(&self, outcome: Poll<T>) -> Poll<T> {
        self.pulse.write_is(outcome.is_pending());
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.bytes_came();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ObservedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(outcome)
    }
}
