//! How the edge asks an origin: finds its address in the simulated DNS, connects, and asks with the configured Host.
//! It dials nothing but this machine; an address elsewhere is one that does not answer.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{self, Body};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::CertificateError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::EdgeRequest;
use super::cache::EdgeScheme;
use crate::sandbox::dns::zone::{DnsQuestion, EDGE_SUFFIX, End};
use crate::sandbox::domain_config::domain::Domain;
use crate::sandbox::domain_config::origin::OriginEndpoint;
use crate::sandbox::state::Cloud;

/// Copies larger than this are no use in a simulation.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What to ask for, and of whom.
pub(crate) struct OriginFetch {
    scheme: EdgeScheme,
    address: Option<OriginEndpoint>,
    server_name: String,
    path: String,
    /// In place of the edge's own.
    visitor: HeaderMap,
    if_modified_since: Option<HeaderValue>,
    timeout: Duration,
}

impl OriginFetch {
    pub(crate) fn new(domain: &Domain, visit: &EdgeRequest, timeout: Duration) -> Self {
        Self {
            scheme: domain.origin.scheme(visit.scheme),
            address: domain.origin.address(),
            server_name: domain.server_name(&visit.host),
            path: visit.path.clone(),
            visitor: visit.visitor.clone(),
            if_modified_since: None,
            timeout,
        }
    }

    pub(crate) fn if_modified_since(self, moment: Option<HeaderValue>) -> Self {
        Self { if_modified_since: moment, ..self }
    }

    /// The same origin, asked for another path.
    pub(crate) fn redirected(self, path: String) -> Self {
        Self { path, if_modified_since: None, ..self }
    }

    pub(crate) fn server_name(&self) -> &str {
        &self.server_name
    }
}

pub(crate) type OriginResponse = (StatusCode, HeaderMap, Bytes);

/// What the origin answers, or the status that the edge answers in its stead.
pub(crate) async fn fetch(cloud: &Cloud, plan: &OriginFetch) -> Result<OriginResponse, StatusCode> {
    let response = tokio::time::timeout(plan.timeout, send(cloud, plan)).await;
    response.unwrap_or(Err(OriginFetchError::AnswerTimeout)).map_err(|error| error.status(plan.scheme))
}

async fn send(cloud: &Cloud, plan: &OriginFetch) -> Result<OriginResponse, OriginFetchError> {
    let address = address(cloud, plan)?;
    let stream = TcpStream::connect(address).await.map_err(|_| OriginFetchError::Connect)?;
    match plan.scheme {
        EdgeScheme::Http => exchange(stream, plan).await,
        EdgeScheme::Https => {
            let stream = cloud.tls.connect(&plan.server_name, stream).await.map_err(|error| handshake_error(&error))?;
            exchange(stream, plan).await
        }
    }
}

fn address(cloud: &Cloud, plan: &OriginFetch) -> Result<SocketAddr, OriginFetchError> {
    let own = cloud.origin_at(plan.scheme);
    let Some(address) = &plan.address else { return Ok(own) };
    let ip = match address.host.parse() {
        Ok(ip) => ip,
        Err(_) => resolve(cloud, &address.host)?,
    };
    if !ip.is_loopback() && ip != own.ip() {
        return Err(OriginFetchError::ConnectTimeout);
    }
    Ok(SocketAddr::new(ip, address.port.unwrap_or_else(|| cloud.origin_port(ip, plan.scheme))))
}

fn resolve(cloud: &Cloud, name: &str) -> Result<IpAddr, OriginFetchError> {
    let resolved = cloud.resolve(name, DnsQuestion::A);
    if resolved.links.iter().any(|(_, target, _)| target.ends_with(EDGE_SUFFIX)) {
        return Err(OriginFetchError::Loop);
    }
    match resolved.end {
        End::Addresses(addresses, _) => addresses.first().copied().ok_or(OriginFetchError::Dns),
        End::NoSuchName | End::Failure | End::Silence | End::Nothing => Err(OriginFetchError::Dns),
    }
}

async fn exchange<S>(stream: S, plan: &OriginFetch) -> Result<OriginResponse, OriginFetchError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request =
        Request::get(&plan.path).header(header::HOST, &plan.server_name).header(header::USER_AGENT, "TencentCdn");
    if let Some(condition) = &plan.if_modified_since {
        request = request.header(header::IF_MODIFIED_SINCE, condition);
    }
    let mut request = request.body(Body::empty()).map_err(|_| OriginFetchError::Broken)?;
    for (name, value) in &plan.visitor {
        request.headers_mut().insert(name, value.clone());
    }
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| OriginFetchError::Broken)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| OriginFetchError::Broken)?;
        let (parts, body) = response.into_parts();
        let body = body::to_bytes(Body::new(body), BODY_BYTES_MAX).await.map_err(|_| OriginFetchError::Broken)?;
        Ok((parts.status, passed_on(&parts.headers), body))
    };
    tokio::pin!(connection, answer);
    // The connection has to be driven for the answer to come; it may close just before the answer is read out.
    tokio::select! {
        response = &mut answer => response,
        _ = &mut connection => answer.await,
    }
}

/// All but what belongs to the one connection.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let dropped = [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::DATE, header::SERVER];
    let remaining = headers.iter().filter(|(name, _)| !dropped.contains(name));
    remaining.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn handshake_error(error: &io::Error) -> OriginFetchError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => OriginFetchError::CertificateName,
        Some(rustls::Error::InvalidCertificate(_)) => OriginFetchError::Certificate,
        _ => OriginFetchError::Handshake,
    }
}

/// Why an origin gave no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OriginFetchError {
    /// The origin's name leads back to the CDN.
    Loop,
    Dns,
    Connect,
    ConnectTimeout,
    AnswerTimeout,
    Broken,
    Handshake,
    Certificate,
    CertificateName,
}

impl OriginFetchError {
    /// The provider tells causes apart only where it asks by https.
    pub(super) fn status(self, scheme: EdgeScheme) -> StatusCode {
        let status = match (self, scheme) {
            (Self::Loop, _) => 423,
            (Self::Broken, _) | (_, EdgeScheme::Http) => 502,
            (Self::Dns, EdgeScheme::Https) => 531,
            (Self::Connect, EdgeScheme::Https) => 532,
            (Self::ConnectTimeout, EdgeScheme::Https) => 533,
            (Self::AnswerTimeout, EdgeScheme::Https) => 537,
            (Self::Handshake, EdgeScheme::Https) => 538,
            (Self::Certificate, EdgeScheme::Https) => 539,
            (Self::CertificateName, EdgeScheme::Https) => 540,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}
