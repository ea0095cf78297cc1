//! The accept loop of the simulated servers. Unlike axum's, it lets a handler close the connection without an answer.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, HeaderName, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::tls::TlsListener;

/// What a handler returns to close the connection without a byte of answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(super) struct DroppedConnectionError;

/// Serves until `shutdown`, over TLS if a TLS listener is given; connections then end at once, with whatever they were doing.
pub(super) async fn serve<H, A>(
    listener: TcpListener,
    tls: Option<TlsListener>,
    shutdown: CancellationToken,
    handler: H,
) where
    H: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, DroppedConnectionError>> + Send + 'static,
{
    /// Out of file descriptors, most likely: give others time to close some.
    const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve_stream(stream, tls.clone(), handler.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.shutdown().await;
}

async fn serve_stream<H, A>(stream: TcpStream, tls: Option<TlsListener>, handler: H)
where
    H: Fn(Request<Body>) -> A,
    A: Future<Output = Result<Response<Body>, DroppedConnectionError>>,
{
    // Small answers would otherwise wait for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_connection(stream, handler).await,
        // A handshake that fails is the client's to tell, or was meant to.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve_connection(stream, handler).await;
            }
        }
    }
}

async fn serve_connection<S, H, A>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Request<Body>) -> A,
    A: Future<Output = Result<Response<Body>, DroppedConnectionError>>,
{
    let service = service_fn(|request: Request<Incoming>| handler(request.map(Body::new)));
    // An error is a peer that left or a connection that was dropped on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A header's text; nothing if it is not there, or is no text.
pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// The host that a request is for: in lower case, without a port.
pub(super) fn host(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::HOST)?.to_str().ok()?;
    let name = value.rsplit_once(':').map_or(value, |(name, _)| name);
    Some(name.to_ascii_lowercase())
}
