//! The HTTP stage: one GET over a connection that is there already. Redirects are told, never followed; bodies are hashed,
//! never kept.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, LOCATION, SET_COOKIE, USER_AGENT,
};
use http::{Request, Response, Uri};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::{HttpError, HttpResult, ProbeRequest, Scheme};
use crate::clock::Stopwatch;
use crate::telemetry::error_chain;

/// Bodies are hashed up to this length; longer ones are compared by their headers.
const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
const VALUE_BYTES_MAX: usize = 1024;
/// Headers that carry secrets, or are named as if they did, are not kept; of a cookie, that there is one.
const SECRET_HEADERS: &[&str] =
    &["cookie", "auth", "token", "secret", "session", "password", "credential", "csrf", "xsrf", "signature", "api-key"];

/// Asks and reads the answer, the head of it within `head_max` and all of it within `all_max`.
pub(super) async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    ask: &ProbeRequest,
    head_max: Duration,
    all_max: Duration,
) -> Result<HttpResult, HttpError> {
    let request = request(ask)?;
    let opened = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .handshake::<_, EmptyBody>(TokioIo::new(stream))
        .await;
    let (sender, connection) = opened.map_err(|error| fault(&error))?;
    let mut exchange = pin!(exchange(sender, request, head_max, all_max));
    // Driven here and not in a task of its own, so that a look that is given up leaves nothing behind.
    tokio::select! {
        // The request is there before the connection is read: who speaks first is heard as if it answered.
        biased;
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

async fn exchange(
    mut sender: SendRequest<EmptyBody>,
    request: Request<EmptyBody>,
    head_max: Duration,
    all_max: Duration,
) -> Result<HttpResult, HttpError> {
    let watch = Stopwatch::start();
    let head = tokio::time::timeout(head_max.min(all_max), sender.send_request(request)).await;
    let response = head.map_err(|_| HttpError::TimedOut)?.map_err(|error| fault(&error))?;
    let first_byte = watch.elapsed();
    let (status, headers) = (response.status().as_u16(), header_pairs(response.headers()));
    let mut read = Read::default();
    let ended = tokio::time::timeout(all_max.saturating_sub(first_byte), read.all(response)).await;
    let body_bytes = read.bytes;
    match ended {
        Ok(Ok(body_sha256)) => Ok(HttpResult { status, headers, body_bytes, body_sha256, first_byte }),
        Ok(Err(error)) => {
            let what =
                format!("it answered {status}, and after {body_bytes} bytes of the body: {}", error_chain(&error));
            Err(HttpError::Broken(what))
        }
        Err(_) => Err(HttpError::TooSlow { status, bytes: body_bytes }),
    }
}

#[derive(Default)]
struct Read {
    bytes: u64,
}

impl Read {
    /// The hash of the whole body; none if it is too long.
    async fn all(&mut self, response: Response<Incoming>) -> Result<Option<[u8; 32]>, hyper::Error> {
        let announced_length =
            response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced_length.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Ok(None);
        }
        let mut body = response.into_body();
        let mut hash = Sha256::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(data) = frame?.into_data() else { continue };
            self.bytes += data.len() as u64;
            if self.bytes > BODY_BYTES_MAX {
                return Ok(None);
            }
            hash.update(&data);
        }
        Ok(Some(hash.finalize().into()))
    }
}

fn request(ask: &ProbeRequest) -> Result<Request<EmptyBody>, HttpError> {
    let own = concat!("refreshd/", env!("CARGO_PKG_VERSION"));
    let built = Request::get(path(ask))
        .header(HOST, &ask.host)
        .header(USER_AGENT, ask.user_agent.as_deref().unwrap_or(own))
        .header(ACCEPT, "*/*")
        // What is compared byte by byte must not depend on what an edge compresses.
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(EmptyBody);
    built.map_err(|error| HttpError::Garbled(format!("no request can be made of it: {error}")))
}

/// As written; what HTTP cannot carry as it stands, such as `<`, is escaped as browsers do.
fn path(ask: &ProbeRequest) -> String {
    if ask.path.parse::<Uri>().is_ok_and(|uri| uri.path_and_query().is_some_and(|path| path.as_str() == ask.path)) {
        return ask.path.clone();
    }
    let scheme = match ask.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let url = Url::parse(&format!("{scheme}://{}{}", ask.host, ask.path));
    url.map_or_else(|_| ask.path.clone(), |url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_secret = |name: &str| SECRET_HEADERS.iter().any(|secret| name.contains(secret));
    let header_value = headers.iter().filter(|(name, _)| *name == SET_COOKIE || !is_secret(name.as_str()));
    header_value
        .map(|(name, value)| {
            // That a cookie is set can keep a copy from being made; which one is nobody's business.
            if name == SET_COOKIE {
                return (name.as_str().to_owned(), "(left out)".to_owned());
            }
            let bytes = value.as_bytes();
            let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(VALUE_BYTES_MAX)]).into_owned();
            if name == LOCATION
                && let Some(query) = text.find('?')
            {
                // What stands behind it may let a visitor in; where it leads is seen without.
                text.truncate(query + 1);
                text.push('…');
            }
            (name.as_str().to_owned(), text)
        })
        .collect()
}

fn fault(error: &hyper::Error) -> HttpError {
    if error.is_parse_too_large() {
        HttpError::Garbled(format!("its head has more than {} KiB or {HEADERS_MAX} headers", HEAD_BYTES_MAX / 1024))
    } else if error.is_parse() {
        HttpError::Garbled(error_chain(error))
    } else {
        HttpError::Broken(error_chain(error))
    }
}

/// The body of a GET.
struct EmptyBody;

impl Body for EmptyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}
