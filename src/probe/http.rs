//! One GET to the edge and one to the origin, to an address that is resolved, judged and dialled in one go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ETAG, HOST, HeaderMap, HeaderName, LAST_MODIFIED};
use sha2::{Digest, Sha256};
use thiserror::Error;
use url::Url;

use super::{Guard, Prober, Sight};
use crate::domain::{Look, Target};
use crate::telemetry::chain;

const CONNECT_MAX: Duration = Duration::from_secs(5);
const LOOK_MAX: Duration = Duration::from_secs(15);
/// Bodies are hashed up to this length; longer ones are compared by their headers.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Addresses to probe instead of what DNS and the provider say (`probe.edges`, `probe.origins`).
#[derive(Debug, Clone, Default)]
pub struct ProbeTargets {
    pub edges: BTreeMap<String, SocketAddr>,
    pub origins: BTreeMap<String, SocketAddr>,
}

#[derive(Debug, Error)]
#[error("the HTTP client for probes cannot be built")]
pub struct HttpProberFault(#[source] reqwest::Error);

pub struct HttpProber {
    guard: Guard,
    targets: ProbeTargets,
}

/// Why one side could not be looked at.
struct Blind {
    reason: String,
    again: bool,
}

impl HttpProber {
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new(guard: Guard, targets: ProbeTargets) -> Result<Self, HttpProberFault> {
        // Another part of the program may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        client("localhost", SocketAddr::from(([127, 0, 0, 1], 1))).map_err(HttpProberFault)?;
        Ok(Self { guard, targets })
    }

    async fn edge(&self, target: &Target) -> Result<Look, Blind> {
        let host = target.host();
        if let Some(address) = self.targets.edges.get(host) {
            return self.get(target, *address, "edge").await;
        }
        let port = if target.as_str().starts_with("https:") { 443 } else { 80 };
        let found = tokio::net::lookup_host((host, port)).await;
        let mut addresses = found.map_err(|error| blind(format!("{host} does not resolve ({error})"), true))?;
        let Some(address) = addresses.next() else {
            return Err(blind(format!("{host} has no address"), true));
        };
        self.get(target, address, "edge").await
    }

    async fn origin(&self, target: &Target) -> Result<Look, Blind> {
        let host = target.host();
        match self.targets.origins.get(host) {
            Some(address) => self.get(target, *address, "origin").await,
            None => Err(blind(
                format!("the origin of {host} is not known; set probe.origins.\"{host}\" to its address"),
                false,
            )),
        }
    }

    async fn get(&self, target: &Target, address: SocketAddr, side: &str) -> Result<Look, Blind> {
        if !self.guard.admits(address.ip()) {
            let reason = format!(
                "the {side} of {} is {address}, which is not a public address; allow its network in probe.allow",
                target.host()
            );
            return Err(blind(reason, false));
        }
        let url = Url::parse(target.as_str()).map_err(|error| blind(error.to_string(), false))?;
        match fetch(&url, target.host(), address).await {
            Ok(look) => Ok(look),
            // A staging edge on a port of its own often speaks plain HTTP for https targets too.
            Err(error) if url.scheme() == "https" && address.port() != 443 && error.is_connect() => {
                let mut plain = url;
                let _ = plain.set_scheme("http");
                let again = fetch(&plain, target.host(), address).await;
                again.map_err(|_| blind(format!("the {side} at {address} does not answer: {}", chain(&error)), true))
            }
            Err(error) => Err(blind(format!("the {side} at {address} does not answer: {}", chain(&error)), true)),
        }
    }
}

#[async_trait]
impl Prober for HttpProber {
    async fn look(&self, target: &Target) -> Sight {
        // The origin first: if it changes in between, the edge can only be seen staler than it is.
        let origin = match self.origin(target).await {
            Ok(look) => Box::new(look),
            Err(Blind { reason, again }) => return Sight::Blind { reason, again },
        };
        match self.edge(target).await {
            Ok(edge) => Sight::Seen { edge: Box::new(edge), origin },
            Err(Blind { reason, again }) => Sight::Blind { reason, again },
        }
    }
}

fn client(host: &str, address: SocketAddr) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .resolve(host, address)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_MAX)
        .timeout(LOOK_MAX)
        .user_agent(concat!("refreshd/", env!("CARGO_PKG_VERSION")))
        .pool_max_idle_per_host(0)
        .build()
}

async fn fetch(url: &Url, host: &str, address: SocketAddr) -> Result<Look, reqwest::Error> {
    let mut dialled = url.clone();
    // The resolver names the address, the URL the port; the Host header stays what a visitor would send.
    let _ = dialled.set_port(Some(address.port()));
    let mut response = client(host, address)?.get(dialled).header(HOST, host).send().await?;
    let mut hash = Sha256::new();
    let mut length = 0;
    while let Some(chunk) = response.chunk().await? {
        length += chunk.len();
        if length > BODY_BYTES_MAX {
            break;
        }
        hash.update(&chunk);
    }
    let headers = response.headers();
    Ok(Look {
        status: response.status().as_u16(),
        etag: text(headers, ETAG),
        last_modified: text(headers, LAST_MODIFIED),
        body_sha256: (length <= BODY_BYTES_MAX).then(|| hash.finalize().into()),
        cache: text(headers, HeaderName::from_static("x-cache-lookup")),
        edge_log_id: text(headers, HeaderName::from_static("x-nws-log-uuid")),
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn blind(reason: String, again: bool) -> Blind {
    Blind { reason, again }
}
