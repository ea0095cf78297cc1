//! Guarded looks at what an edge and an origin serve. Nothing here dials an address that the operator did not allow.

mod address_policy;
mod certificate;
mod host_limiter;
mod http;
mod prober;
mod resolver;
mod result;
mod tls;

pub use address_policy::AddressPolicy;
pub use prober::{NetProber, ProberOptions};
pub use result::{
    Certificate, CertificateError, ConnectError, DialTarget, DnsError, DnsResult, HttpError, HttpResult, ProbeRequest,
    ProbeResult, Scheme, TlsError, TlsResult,
};

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Stopwatch;

/// Looks at things, once.
#[async_trait]
pub trait Prober: Send + Sync {
    /// Resolves, judges, connects and asks. It ends within that time, whatever hangs.
    async fn probe(&self, ask: &ProbeRequest, within: Duration) -> ProbeResult;

    /// What DNS says of a host.
    async fn resolve(&self, host: &str, within: Duration) -> DnsResult;

    /// As `look`, at an address that an operator wrote down for a host. A staging edge on a port of its own often speaks
    /// plain HTTP for https targets too: then it is asked that way, and the sighting's `ask` tells so.
    async fn probe_configured_address(&self, ask: &ProbeRequest, within: Duration) -> ProbeResult {
        let watch = Stopwatch::start();
        let seen = self.probe(ask, within).await;
        let own_port = matches!(ask.dial, DialTarget::Address(address) if address.port() != 443);
        if !own_port || !matches!(seen.tls, Some(Err(TlsError::Refused(_) | TlsError::Closed))) {
            return seen;
        }
        let plain = ProbeRequest { scheme: Scheme::Http, ..ask.clone() };
        let again = self.probe(&plain, within.saturating_sub(watch.elapsed())).await;
        match &again.http {
            // 400 is how a server that wants TLS answers who comes without.
            Some(Ok(answer)) if answer.status != 400 => again,
            _ => seen,
        }
    }
}
