//! The edge: serves copies by `Host`, fetches what it lacks from the origin over a real connection, and keeps it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Body};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::cache::{Object, ObjectKey};
use super::calendar;
use super::cloud::Cloud;
use super::listener::{self, Dropped};
use super::origin::plain;

/// Copies larger than this are no use in a simulation.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn answer(cloud: Arc<Cloud>, request: Request<Body>) -> Result<Response<Body>, Dropped> {
    cloud.settle_due().await;
    let (parts, _) = request.into_parts();
    let mut response = serve(&cloud, &parts).await;
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("NWS_SPMid"));
    insert(headers, HeaderName::from_static("x-nws-log-uuid"), &Uuid::new_v4().to_string());
    insert(headers, header::DATE, &calendar::http_date(cloud.now()));
    Ok(response)
}

async fn serve(cloud: &Cloud, request: &Parts) -> Response<Body> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "The edge answers GET and HEAD.\n");
    }
    let host = listener::host(&request.headers).unwrap_or_default();
    let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
    match load(cloud, &host, path).await {
        Ok(loaded) => answer_with(cloud, loaded),
        Err(LoadFault::NoSuchDomain) => plain(StatusCode::NOT_FOUND, "This CDN does not serve this domain.\n"),
        Err(LoadFault::OriginUnreachable) => plain(StatusCode::BAD_GATEWAY, "The origin does not answer.\n"),
    }
}

fn answer_with(cloud: &Cloud, loaded: Loaded) -> Response<Body> {
    let mut response = Response::new(Body::from(loaded.object.body));
    *response.status_mut() = loaded.object.status;
    *response.headers_mut() = loaded.object.headers;
    let lookup = if loaded.hit { "Cache Hit" } else { "Cache Miss" };
    response.headers_mut().insert("x-cache-lookup", HeaderValue::from_static(lookup));
    if loaded.hit && cloud.state().switches.age_sent {
        let age = cloud.now().since(loaded.object.stored_at).as_secs();
        insert(response.headers_mut(), header::AGE, &age.to_string());
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

pub(super) struct Loaded {
    pub(super) object: Object,
    pub(super) hit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadFault {
    NoSuchDomain,
    OriginUnreachable,
}

/// Brings an object: the edge's copy, or what the origin says, which is kept if it may be.
pub(super) async fn load(cloud: &Cloud, host: &str, path: &str) -> Result<Loaded, LoadFault> {
    let (key, held, ticket) = {
        let mut state = cloud.state();
        let domain = state.domains.owner_of(host).filter(|domain| domain.status.serves());
        let kept_path = domain.ok_or(LoadFault::NoSuchDomain)?.cache_path(path).to_owned();
        let key = ObjectKey { host: host.to_owned(), path: kept_path };
        let held = state.cache.look(&key).cloned();
        if let Some(object) = held.as_ref().filter(|object| !object.revalidate) {
            return Ok(Loaded { object: object.clone(), hit: true });
        }
        let ticket = state.cache.begin_fetch(&key);
        (key, held, ticket)
    };
    // Only `Last-Modified` is compared, as the provider's nodes do.
    let condition = held.as_ref().and_then(|object| object.headers.get(header::LAST_MODIFIED)).cloned();
    let (status, headers, body) =
        fetch(cloud.origin, host, path, condition).await.ok_or(LoadFault::OriginUnreachable)?;
    let (object, hit) = match held {
        Some(held) if status == StatusCode::NOT_MODIFIED => (Object { revalidate: false, ..held }, true),
        _ => (Object { status, headers, body, stored_at: cloud.now(), revalidate: false }, false),
    };
    if may_be_kept(&object) {
        cloud.state().cache.store(key, ticket, object.clone());
    }
    Ok(Loaded { object, hit })
}

fn may_be_kept(object: &Object) -> bool {
    let control = object.headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or("");
    let forbidden = ["no-store", "no-cache", "private"].iter().any(|word| control.contains(word));
    matches!(object.status, StatusCode::OK | StatusCode::NOT_FOUND) && !forbidden
}

/// `None`: the origin gave no whole answer.
async fn fetch(
    origin: SocketAddr,
    host: &str,
    path: &str,
    if_modified_since: Option<HeaderValue>,
) -> Option<(StatusCode, HeaderMap, Bytes)> {
    let mut request = Request::get(path).header(header::HOST, host).header(header::USER_AGENT, "TencentCdn");
    if let Some(condition) = if_modified_since {
        request = request.header(header::IF_MODIFIED_SINCE, condition);
    }
    let request = request.body(Body::empty()).ok()?;
    let exchange = async {
        let stream = TcpStream::connect(origin).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let answer = async {
            let response = sender.send_request(request).await.ok()?;
            let (parts, body) = response.into_parts();
            let body = body::to_bytes(Body::new(body), BODY_BYTES_MAX).await.ok()?;
            Some((parts.status, passed_on(&parts.headers), body))
        };
        tokio::pin!(connection, answer);
        // The connection has to be driven for the answer to come; it may close just before the answer is read out.
        tokio::select! {
            found = &mut answer => found,
            _ = &mut connection => answer.await,
        }
    };
    tokio::time::timeout(FETCH_TIMEOUT, exchange).await.ok().flatten()
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let names = [header::CONTENT_TYPE, header::ETAG, header::LAST_MODIFIED, header::CACHE_CONTROL];
    names.into_iter().filter_map(|name| headers.get(&name).cloned().map(|value| (name, value))).collect()
}
