//! One connection: hyper speaks, and its pulse decides how long the peer may keep it waiting.

use std::sync::Arc;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::body_timeout::{TimeoutBody, TrackedBody};
use super::connection_timeouts::{ConnectionActivity, ObservedStream, PhaseTimeout};
use super::{Handler, ServerLimits};

/// Serves requests until the peer leaves, waits too long, or `shutdown` comes; then the current request is finished.
pub(super) async fn serve(stream: TcpStream, front: impl Handler, limits: ServerLimits, shutdown: CancellationToken) {
    // Small answers would otherwise wait for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let pulse = Arc::new(ConnectionActivity::new());
    let service = service(front, limits, pulse.clone());
    // Hyper's own limit on heads also counts the time between two requests, so it cannot be both short and long.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(ObservedStream::new(stream, pulse.clone())), service);
    let overdue = PhaseTimeout::new(pulse, limits);
    tokio::pin!(connection, overdue);
    let mut closing = false;
    loop {
        tokio::select! {
            // The connection goes first: what it does is what the pulse is judged by.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke off");
                }
                return;
            }
            waited_for = overdue.as_mut() => {
                tracing::debug!(?waited_for, "a connection is cut off: its peer keeps us waiting");
                return;
            }
            () = shutdown.cancelled(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn service(
    front: impl Handler,
    limits: ServerLimits,
    pulse: Arc<ConnectionActivity>,
) -> impl Service<
    http::Request<hyper::body::Incoming>,
    Response = http::Response<TrackedBody>,
    Error = std::convert::Infallible,
    Future: Send,
> {
    service_fn(move |request: http::Request<hyper::body::Incoming>| {
        // From here until the answer has left, it is us whom the peer waits for.
        let serving = pulse.serving();
        let answering = front.clone().answer(request.map(|body| Body::new(TimeoutBody::new(body, limits.body))));
        async move { Ok(answering.await.map(|body| TrackedBody::new(body, serving))) }
    })
}
