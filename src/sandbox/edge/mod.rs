//! The edge: serves copies by `Host`, in each area its own, fetches what it lacks from the origin over a real connection,
//! and keeps it as long as the domain's configuration says.

pub(super) mod cache;
mod origin_fetch;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use uuid::Uuid;

use super::api::time_formats;
use super::domain_config::domain::{Area, Domain};
use super::domain_config::lifetime::{Lifetime, OriginAnswer};
use super::faults::http::AskedServer;
use super::faults::wire::FaultySide;
use super::listener;
use super::listener::DroppedConnectionError;
use super::origin::documents::plain;
use super::state::Cloud;
use cache::{EdgeObjectKey, EdgeScheme, FetchTicket, Object};
use origin_fetch::{OriginFetch, OriginResponse};

/// The provider's limit for redirects that an edge follows.
const REDIRECTS_MAX: usize = 3;
/// Lets a client of any of the edge's ports choose whose copies serve it.
const AREA_HEADER: &str = "x-sandbox-area";

/// The port by which a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EdgeListener {
    pub(super) area: Area,
    pub(super) node: usize,
    pub(super) scheme: EdgeScheme,
}

/// A request for an object, by a client or a prefetch.
#[derive(Debug, Clone)]
pub(super) struct EdgeRequest {
    pub(super) area: Area,
    pub(super) node: usize,
    pub(super) scheme: EdgeScheme,
    pub(super) host: String,
    /// With its query.
    pub(super) path: String,
    /// What the origin is told of who asks.
    pub(super) visitor: HeaderMap,
}

pub(super) async fn handle(
    cloud: Arc<Cloud>,
    request: Request<Body>,
    port: EdgeListener,
) -> Result<Response<Body>, DroppedConnectionError> {
    cloud.settle_due().await;
    let (parts, _) = request.into_parts();
    let visit = visit(&cloud, &parts, port);
    let server = AskedServer { side: FaultySide::Edge, number: port.node };
    let response_fault = cloud.state().answers.matched_faults(server, &[&visit.host], &visit.path, &parts.headers);
    response_fault.delay(cloud.clock.as_ref()).await?;
    let mut response = match response_fault.replacement(&visit.path, &parts.headers, cloud.now()) {
        Some(response) => response,
        None => serve(&cloud, &parts, &visit).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("NWS_SPMid"));
    insert(headers, HeaderName::from_static("x-nws-log-uuid"), &Uuid::new_v4().to_string());
    insert(headers, header::DATE, &time_formats::http_date(cloud.now()));
    response_fault.change_headers(headers);
    Ok(response_fault.change_body(response, &parts.headers, &cloud.clock).await)
}

fn visit(cloud: &Cloud, request: &Parts, port: EdgeListener) -> EdgeRequest {
    let chosen = request.headers.get(AREA_HEADER).and_then(|value| value.to_str().ok()).and_then(Area::parse);
    let is_passed = cloud.state().switches.visitor_passed;
    let passed = [header::USER_AGENT, header::COOKIE].into_iter().filter(|_| is_passed);
    let passed = passed.filter_map(|name| Some((name.clone(), request.headers.get(name)?.clone())));
    EdgeRequest {
        area: chosen.unwrap_or(port.area),
        node: port.node,
        visitor: passed.collect(),
        scheme: port.scheme,
        host: listener::host(&request.headers).unwrap_or_default(),
        path: request.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
    }
}

async fn serve(cloud: &Cloud, request: &Parts, visit: &EdgeRequest) -> Response<Body> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "The edge answers GET and HEAD.\n");
    }
    match load(cloud, visit).await {
        Ok(loaded) => response_from(cloud, loaded),
        Err(LoadError::NoSuchDomain) => plain(StatusCode::NOT_FOUND, "This CDN does not serve this domain.\n"),
        Err(LoadError::Origin(status)) => plain(status, "The origin gives no answer.\n"),
    }
}

fn response_from(cloud: &Cloud, loaded: LoadedObject) -> Response<Body> {
    let mut response = Response::new(Body::from(loaded.object.body));
    *response.status_mut() = loaded.object.status;
    *response.headers_mut() = loaded.object.headers;
    let (lookup, age_sent) = {
        let state = cloud.state();
        (state.switches.cache_lookup, state.switches.age_sent)
    };
    for value in lookup.values(loaded.hit) {
        response.headers_mut().append("x-cache-lookup", HeaderValue::from_static(value));
    }
    if loaded.hit && age_sent {
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

pub(super) struct LoadedObject {
    pub(super) object: Object,
    pub(super) hit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadError {
    NoSuchDomain,
    /// The origin gave no answer; the edge answers this status in its stead.
    Origin(StatusCode),
}

/// A look into the cache that found nothing to serve at once.
struct CacheMiss {
    domain: Domain,
    area: Area,
    node: usize,
    key: EdgeObjectKey,
    current: Option<Object>,
    ticket: FetchTicket,
    timeout: Duration,
}

/// Brings an object: the edge's copy, or what the origin says, which is kept if it may be.
pub(super) async fn load(cloud: &Cloud, visit: &EdgeRequest) -> Result<LoadedObject, LoadError> {
    let miss = match lookup(cloud, visit)? {
        Ok(object) => return Ok(LoadedObject { object, hit: true }),
        Err(miss) => miss,
    };
    // Only `Last-Modified` is compared, as the provider's nodes do.
    let condition = miss.current.as_ref().and_then(|object| object.headers.get(header::LAST_MODIFIED)).cloned();
    let request = OriginFetch::new(&miss.domain, visit, miss.timeout).if_modified_since(condition);
    let (status, headers, body) = fetch(cloud, &miss.domain, request).await?;
    let now = cloud.now();
    let (object, hit) = match miss.current {
        Some(current) if status == StatusCode::NOT_MODIFIED => (Object { revalidate: false, ..current }, true),
        _ => (Object { status, headers, body, stored_at: now, expires_at: now, revalidate: false }, false),
    };
    let response = OriginAnswer { path: &visit.path, status: object.status, headers: &object.headers, at: now };
    let expires_at = match miss.domain.cache.lifetime(&response, miss.domain.status_code_cache.as_ref()) {
        Lifetime::NotCached => None,
        Lifetime::Revalidate => Some(now),
        Lifetime::For(span) => Some(now + span),
    };
    if let Some(expires_at) = expires_at {
        let stored = Object { expires_at, ..object.clone() };
        cloud.state().caches.of(miss.area, miss.node).store(miss.key, miss.ticket, stored);
    }
    Ok(LoadedObject { object, hit })
}

fn lookup(cloud: &Cloud, visit: &EdgeRequest) -> Result<Result<Object, CacheMiss>, LoadError> {
    let now = cloud.now();
    let mut state = cloud.state();
    let domain = state.domains.owner_of(&visit.host).filter(|domain| domain.status.serves());
    let domain = domain.ok_or(LoadError::NoSuchDomain)?.clone();
    let area = domain.edge_for(visit.area);
    let key = domain.cache_key.object_key(visit.scheme, &visit.host, &visit.path);
    let timeout = state.switches.origin_patience;
    let cache = state.caches.of(area, visit.node);
    let copy = cache.get(&key).cloned();
    if let Some(object) = copy.as_ref().filter(|object| !object.revalidate && now < object.expires_at) {
        return Ok(Ok(object.clone()));
    }
    let ticket = cache.begin_fetch(&key);
    Ok(Err(CacheMiss { domain, area, node: visit.node, key, current: copy, ticket, timeout }))
}

/// Asks the origin, and asks on where it redirects to itself, if the domain's edge is to follow.
async fn fetch(cloud: &Cloud, domain: &Domain, mut request: OriginFetch) -> Result<OriginResponse, LoadError> {
    for _ in 0..=REDIRECTS_MAX {
        let fetched = origin_fetch::fetch(cloud, &request).await.map_err(LoadError::Origin)?;
        let followed = domain.follow_redirect.switch.is_on() && fetched.0.is_redirection();
        let target = fetched.1.get(header::LOCATION).filter(|_| followed).and_then(|value| value.to_str().ok());
        let Some(path) = target.and_then(|target| path_at(target, request.server_name())) else { return Ok(fetched) };
        request = request.redirected(path);
    }
    Err(LoadError::Origin(StatusCode::LOCKED))
}

/// `None`: it leads elsewhere.
fn path_at(location: &str, host: &str) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    let here = uri.host().is_none_or(|there| there.eq_ignore_ascii_case(host));
    uri.path_and_query().filter(|_| here).map(|path| path.as_str().to_owned())
}
