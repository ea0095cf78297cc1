//! One guarded look, stage by stage. A name is resolved once, what it resolves to is judged, and what was judged is
//! dialled: nobody is asked again in between.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::host_limiter::HostRateLimiter;
use super::resolver::Resolver;
use super::tls::TlsDialer;
use super::{
    AddressPolicy, ConnectError, DialTarget, DnsResult, ProbeRequest, ProbeResult, Prober, Scheme, TlsError, http,
};
use crate::clock::{Clock, Stopwatch};

/// No stage takes longer, however much time a look has.
const NAME_MAX: Duration = Duration::from_secs(5);
const CONNECT_MAX: Duration = Duration::from_secs(5);
const TLS_MAX: Duration = Duration::from_secs(5);
const HEAD_MAX: Duration = Duration::from_secs(10);
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Addresses of one name that are tried.
const DIALLED_MAX: usize = 3;

/// Where to ask for names, and whom to trust beyond Mozilla's roots (`probe.resolver`, `probe.ca_file`).
#[derive(Debug, Clone, Default)]
pub struct ProberOptions {
    /// None: those of this machine.
    pub resolvers: Vec<SocketAddr>,
    pub roots: Vec<CertificateDer<'static>>,
}

/// Looks at the real network, within what its guard admits.
pub struct NetProber {
    guard: AddressPolicy,
    names: Resolver,
    tls: TlsDialer,
    turns: HostRateLimiter,
    clock: Arc<dyn Clock>,
}

impl NetProber {
    /// # Errors
    /// A root certificate that cannot be one.
    pub fn new(
        guard: AddressPolicy,
        surroundings: &ProberOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, rustls::Error> {
        let tls = TlsDialer::new(&surroundings.roots)?;
        Ok(Self { guard, names: Resolver::new(&surroundings.resolvers), tls, turns: HostRateLimiter::new(), clock })
    }

    async fn fill(&self, seen: &mut ProbeResult, time: Budget) {
        let ask = seen.ask.clone();
        let Some(_turn) = self.turns.take(&place(&ask.dial), time.remaining()).await else {
            seen.connect = Some(Err(ConnectError::TooOften));
            return;
        };
        let Some(addresses) = self.addresses(seen, time).await else { return };
        let Some(stream) = self.connect(&addresses, seen, time).await else { return };
        match ask.scheme {
            Scheme::Http => get(stream, seen, time).await,
            Scheme::Https => {
                let now = self.clock.now();
                let handshake = self.tls.shake_hands(stream, &ask.host, now);
                match tokio::time::timeout(time.at_most(TLS_MAX), handshake).await {
                    Ok(Ok((tls, stream))) => {
                        seen.tls = Some(Ok(tls));
                        get(stream, seen, time).await;
                    }
                    Ok(Err(fault)) => seen.tls = Some(Err(fault)),
                    Err(_) => seen.tls = Some(Err(TlsError::TimedOut)),
                }
            }
        }
    }

    /// What may be dialled. `None`: nothing, and `seen` tells why.
    async fn addresses(&self, seen: &mut ProbeResult, time: Budget) -> Option<Vec<SocketAddr>> {
        let candidates = match &seen.ask.dial {
            DialTarget::Address(address) => vec![*address],
            DialTarget::Name(name, port) => match literal(name) {
                Some(address) => vec![SocketAddr::new(address, *port)],
                None => {
                    let look = self.names.look(name, time.at_most(NAME_MAX)).await;
                    let resolved = look.addresses.iter().map(|address| SocketAddr::new(*address, *port)).collect();
                    seen.name = Some(look);
                    resolved
                }
            },
        };
        let first = *candidates.first()?;
        let admitted: Vec<_> = candidates.into_iter().filter(|address| self.guard.admits(address.ip())).collect();
        if admitted.is_empty() {
            seen.connect = Some(Err(ConnectError::Denied(first.ip())));
            return None;
        }
        Some(admitted)
    }

    async fn connect(&self, addresses: &[SocketAddr], seen: &mut ProbeResult, time: Budget) -> Option<TcpStream> {
        for address in addresses.iter().take(DIALLED_MAX) {
            let watch = Stopwatch::start();
            match tokio::time::timeout(time.at_most(CONNECT_MAX), TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    (seen.address, seen.connect) = (Some(*address), Some(Ok(watch.elapsed())));
                    return Some(stream);
                }
                // The first one's fault is told: it is the one that visitors run into.
                _ if seen.connect.is_some() => {}
                Ok(Err(error)) => {
                    (seen.address, seen.connect) = (Some(*address), Some(Err(connect_fault(&error))));
                }
                Err(_) => (seen.address, seen.connect) = (Some(*address), Some(Err(ConnectError::TimedOut))),
            }
        }
        None
    }
}

#[async_trait]
impl Prober for NetProber {
    async fn probe(&self, ask: &ProbeRequest, within: Duration) -> ProbeResult {
        let time = Budget { watch: Stopwatch::start(), within };
        let mut seen = ProbeResult::begun(ask.clone(), self.clock.now());
        self.fill(&mut seen, time).await;
        seen.took = time.watch.elapsed();
        seen
    }

    async fn resolve(&self, host: &str, within: Duration) -> DnsResult {
        match literal(host) {
            Some(address) => DnsResult {
                host: host.to_owned(),
                aliases: Vec::new(),
                addresses: vec![address],
                fault: None,
                took: Duration::ZERO,
            },
            None => self.names.look(host, within.min(NAME_MAX)).await,
        }
    }
}

async fn get(stream: impl AsyncRead + AsyncWrite + Unpin, seen: &mut ProbeResult, time: Budget) {
    let answer = http::get(stream, &seen.ask, time.at_most(HEAD_MAX), time.at_most(ANSWER_MAX)).await;
    seen.http = Some(answer);
}

/// The time that a look may take.
#[derive(Clone, Copy)]
struct Budget {
    watch: Stopwatch,
    within: Duration,
}

impl Budget {
    fn remaining(self) -> Duration {
        self.within.saturating_sub(self.watch.elapsed())
    }

    fn at_most(self, stage: Duration) -> Duration {
        self.remaining().min(stage)
    }
}

/// An address that is written where a name could stand; IPv6 with or without its brackets.
fn literal(name: &str) -> Option<IpAddr> {
    name.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn place(dial: &DialTarget) -> String {
    match dial {
        DialTarget::Address(address) => address.to_string(),
        DialTarget::Name(name, _) => name.to_ascii_lowercase(),
    }
}

fn connect_fault(error: &std::io::Error) -> ConnectError {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        std::io::ErrorKind::TimedOut => ConnectError::TimedOut,
        _ => ConnectError::Unreachable(error.to_string()),
    }
}
