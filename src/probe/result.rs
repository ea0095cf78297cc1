//! What one guarded look at an edge or an origin found, stage by stage: name, connection, TLS, HTTP. A stage that was not
//! reached is `None`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::domain::{HttpObservation, Target, Timestamp};

/// What to look at and how to ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRequest {
    pub dial: DialTarget,
    pub scheme: Scheme,
    /// The `Host` header, and over TLS the name that the certificate has to be for.
    pub host: String,
    /// Path and query, exactly as they stand in the target.
    pub path: String,
    /// Instead of refreshd's own, to ask as a CDN's node would.
    pub user_agent: Option<String>,
}

impl ProbeRequest {
    /// As a visitor would ask for the target; `at` is dialled instead of what the host resolves to.
    #[must_use]
    pub fn visit(target: &Target, at: Option<SocketAddr>) -> Self {
        let text = target.as_str();
        let scheme = if text.starts_with("https:") { Scheme::Https } else { Scheme::Http };
        let host = target.host().to_owned();
        let path = text.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..])).unwrap_or("/");
        let dial = at.map_or_else(|| DialTarget::Name(host.clone(), scheme.port()), DialTarget::Address);
        Self { dial, scheme, host, path: path.to_owned(), user_agent: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialTarget {
    Address(SocketAddr),
    /// A name to be resolved, and a port.
    Name(String, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Where it is spoken unless said otherwise.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What was seen. Each stage stands only if the one before it succeeded; a certificate that is not good is noted, and the
/// look goes on, so that what lies behind it is seen too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    pub ask: ProbeRequest,
    pub at: Timestamp,
    /// `None`: an address was dialled.
    pub name: Option<DnsResult>,
    pub address: Option<SocketAddr>,
    pub connect: Option<Result<Duration, ConnectError>>,
    /// `None` over plain HTTP too.
    pub tls: Option<Result<TlsResult, TlsError>>,
    pub http: Option<Result<HttpResult, HttpError>>,
    pub took: Duration,
}

impl ProbeResult {
    /// Nothing seen yet.
    #[must_use]
    pub const fn begun(ask: ProbeRequest, at: Timestamp) -> Self {
        Self { ask, at, name: None, address: None, connect: None, tls: None, http: None, took: Duration::ZERO }
    }
}

/// What DNS says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsResult {
    pub host: String,
    /// The aliases in order, in lower case, without a final dot; the last one carries the addresses.
    pub aliases: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub fault: Option<DnsError>,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    #[error("the name does not exist (NXDOMAIN)")]
    NoSuchName,
    #[error("the name has no address")]
    NoAddress,
    #[error("the name server failed ({0})")]
    ServerFailed(String),
    #[error("no name server answered in time")]
    TimedOut,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Not dialled: a private, loopback or metadata address that `probe.allow` does not have.
    #[error("{0} is not a public address; allow its network in probe.allow if it is meant")]
    Denied(IpAddr),
    #[error("the connection was refused")]
    Refused,
    #[error("no answer to the connection attempt in time")]
    TimedOut,
    #[error("the address cannot be reached ({0})")]
    Unreachable(String),
    /// Too many probes of this host in too short a time.
    #[error("this host has been probed too often just now")]
    TooOften,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsResult {
    /// Such as `TLSv1.3`.
    pub version: String,
    /// As the server sent them, its own first.
    pub chain: Vec<Certificate>,
    pub verdict: Result<(), CertificateError>,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// The DNS names and addresses that it is for.
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub serial: String,
}

/// Why a visitor would not trust the certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it is not for this name")]
    WrongName,
    #[error("it is signed by itself")]
    SelfSigned,
    /// The server sent no path to an issuer that is trusted; often it forgot an intermediate certificate.
    #[error("the chain that the server sends is incomplete")]
    IncompleteChain,
    #[error("its issuer is not trusted")]
    UnknownIssuer,
    #[error("it is not usable ({0})")]
    Unusable(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("the TLS handshake took too long")]
    TimedOut,
    #[error("the TLS handshake failed ({0})")]
    Refused(String),
    #[error("the connection was closed during the TLS handshake")]
    Closed,
}

/// What was answered. Header names are in lower case; no header that could carry a secret of a visitor is kept, nor the
/// query of a `location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResult {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that were read; all of it if `body_sha256` stands.
    pub body_bytes: u64,
    /// `None`: the body is longer than a probe reads.
    pub body_sha256: Option<[u8; 32]>,
    pub first_byte: Duration,
}

impl HttpResult {
    /// The header's values, joined by commas.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.headers.iter().filter(|(text, _)| text == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// What a verdict is made of. `cache_lookup`: the header on where the answer came from.
    #[must_use]
    pub fn observation(&self, cache_lookup: &str, log_id: &str) -> HttpObservation {
        let announced = self.header("content-length").and_then(|length| length.parse().ok());
        HttpObservation {
            status: self.status,
            etag: self.header("etag"),
            last_modified: self.header("last-modified"),
            length: self.body_sha256.map(|_| self.body_bytes).or(announced),
            body_sha256: self.body_sha256,
            encoding: self.header("content-encoding"),
            vary: self.header("vary"),
            cache_control: self.header("cache-control"),
            location: self.header("location"),
            age: self.header("age").and_then(|age| age.trim().parse().ok()),
            cache: self.header(cache_lookup),
            edge_log_id: self.header(log_id),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("no answer in time")]
    TimedOut,
    /// The head came, and the body did not end.
    #[error("it answered {status}, but only {bytes} bytes of the body came in time")]
    TooSlow { status: u16, bytes: u64 },
    #[error("the connection broke off before the whole answer had come ({0})")]
    Broken(String),
    #[error("what came back is no HTTP ({0})")]
    Garbled(String),
}
