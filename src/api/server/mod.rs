//! The accept loop: how many connections there may be, their time limits, and how all of them end.
//! HTTP/1.1 only; a proxy in front speaks the rest.

mod body_timeout;
mod connection;
mod connection_timeouts;

pub(super) use body_timeout::BodyTimeoutError;
#[cfg(test)]
pub(super) use body_timeout::TimeoutBody;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Stopwatch;

/// What a connection may cost. The default is what the daemon runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Open connections; further ones wait in the kernel's queue until one ends, `/livez` among them.
    pub connections: usize,
    /// From the connect to the first byte.
    pub first_byte: Duration,
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// What a request's head may take in memory.
    pub head_bytes: usize,
    /// From the end of the head to the end of the body.
    pub body: Duration,
    /// How long the peer may leave an answer untouched that it asked for.
    pub stalled: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// The pause after an accept that failed for want of something.
    pub accept_pause: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        /// Several times what any number of pipelines needs; at 64 KiB of buffer each they take 64 MiB.
        const CONNECTIONS_MAX: usize = 1024;
        /// A browser opens connections before it needs them; who has nothing to say for so long can connect again.
        const FIRST_BYTE_MAX: Duration = Duration::from_secs(10);
        /// A head is one or two packets, so even a bad line needs no more.
        const HEAD_MAX: Duration = Duration::from_secs(5);
        /// Hyper would buffer 400 KiB; no request of the contract has a head of more than a few.
        const HEAD_BYTES_MAX: usize = 64 * 1024;
        /// The largest body, 32 MiB, at 9 Mbit/s.
        const BODY_MAX: Duration = Duration::from_secs(30);
        /// A reader that takes nothing for so long is gone or means no good.
        const STALLED_MAX: Duration = Duration::from_secs(30);
        /// Above the minute that proxies and clients usually keep theirs, so that they and not we close first.
        const IDLE_MAX: Duration = Duration::from_secs(75);
        /// Out of file descriptors, most likely: give others time to close some, at ten tries a second.
        const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
        Self {
            connections: CONNECTIONS_MAX,
            first_byte: FIRST_BYTE_MAX,
            head: HEAD_MAX,
            head_bytes: HEAD_BYTES_MAX,
            body: BODY_MAX,
            stalled: STALLED_MAX,
            idle: IDLE_MAX,
            accept_pause: ACCEPT_PAUSE,
        }
    }
}

/// Whoever answers the requests of a server.
pub trait Handler: Clone + Send + Sync + 'static {
    fn answer(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Handler for Router {
    async fn answer(self, request: Request) -> Response {
        let Ok(response) = TowerToHyperService::new(self).call(request).await;
        response
    }
}

/// Serves until `shutdown`. Then no connection is accepted, idle ones are closed, and open requests may end within
/// `grace`; what is open after that is cut off. Dropping the future cuts everything off at once.
pub async fn serve(
    listener: TcpListener,
    front: impl Handler,
    limits: ServerLimits,
    grace: Duration,
    shutdown: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let mut refused = LogThrottle::default();
    let mut full = LogThrottle::default();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &slots, &mut full) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                let connection = connection::serve(stream, front.clone(), limits, shutdown.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            // The peer left before its turn came. The next one in the queue has done nothing wrong.
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                if refused.is_due() {
                    tracing::error!(%error, "connections cannot be accepted");
                }
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = tokio::time::sleep(limits.accept_pause) => {}
                }
            }
        }
    }
    drop(listener);
    drain(connections, grace).await;
}

/// Waits for a slot and then for a connection. Whoever drops it in between has lost nothing.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    full: &mut LogThrottle,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    if slots.available_permits() == 0 && full.is_due() {
        tracing::warn!("all connections are taken; new ones wait until one ends");
    }
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn drain(mut connections: JoinSet<()>, grace: Duration) {
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "some requests were still open and are cut off");
        connections.shutdown().await;
    }
}

/// Something that would be logged a thousand times a second in the hour in which the log matters most.
#[derive(Default)]
struct LogThrottle {
    last: Option<Stopwatch>,
}

impl LogThrottle {
    /// Whether it should be said now, as it was not for a while.
    fn is_due(&mut self) -> bool {
        const AGAIN_AFTER: Duration = Duration::from_secs(10);
        let due = self.last.is_none_or(|last| last.elapsed() >= AGAIN_AFTER);
        if due {
            self.last = Some(Stopwatch::start());
        }
        due
    }
}
