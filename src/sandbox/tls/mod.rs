//! TLS of the simulated world: which certificate a server shows to whom, and how the edge trusts an origin.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::{Acceptor, ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, server};

use super::faults::wire::FaultySide;
use crate::clock::Clock;
use crate::domain::Timestamp;
use authority::Authority;
pub use wire::{CertificateRule, CertificateState};

mod authority;
pub(super) mod wire;

/// A client that names no host gets this one's certificate.
const NAMELESS: &str = "www.example.com";

/// The keys are made when the first handshake asks for them: most sandboxes never see one.
pub(super) struct SandboxTls {
    clock: Arc<dyn Clock>,
    authority: OnceLock<Option<Authority>>,
    rules: Mutex<HashMap<(FaultySide, String), (CertificateRule, Timestamp)>>,
    /// What was signed, so that a host shows one certificate and not another with each handshake.
    signed: Mutex<HashMap<CertificateRequest, Arc<CertifiedKey>>>,
}

/// A certificate, as of a moment.
type CertificateRequest = (String, CertificateState, Timestamp);

impl SandboxTls {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, authority: OnceLock::new(), rules: Mutex::default(), signed: Mutex::default() }
    }

    /// Replaces all rules. Times count from now.
    pub(super) fn replace(&self, rules: Vec<CertificateRule>) {
        let now = self.clock.now();
        let keyed = rules.into_iter().map(|rule| ((rule.at, rule.host.to_ascii_lowercase()), (rule, now)));
        *locked(&self.rules) = keyed.collect();
    }

    pub(super) fn rules(&self) -> Vec<CertificateRule> {
        let mut rules: Vec<CertificateRule> = locked(&self.rules).values().map(|(rule, _)| rule.clone()).collect();
        rules.sort_by(|a, b| (&a.host, a.at == FaultySide::Origin).cmp(&(&b.host, b.at == FaultySide::Origin)));
        rules
    }

    /// The root that a client of this world trusts. `None`: the machine has no randomness for a key.
    pub(super) fn root_pem(&self) -> Option<String> {
        self.authority().map(Authority::root_pem)
    }

    fn authority(&self) -> Option<&Authority> {
        self.authority.get_or_init(|| Authority::new().ok()).as_ref()
    }

    fn certificate(&self, at: FaultySide, host: &str) -> Option<Arc<CertifiedKey>> {
        let set = locked(&self.rules).get(&(at, host.to_owned())).map(|(rule, since)| (rule.certificate, *since));
        let (state, since) = set.unwrap_or_else(|| (CertificateState::Good, self.today()));
        let mut signed = locked(&self.signed);
        if let Some(key) = signed.get(&(host.to_owned(), state, since)) {
            return Some(Arc::clone(key));
        }
        let certificate = Arc::new(self.authority()?.certificate(host, state, since)?);
        signed.insert((host.to_owned(), state, since), Arc::clone(&certificate));
        Some(certificate)
    }

    /// Good certificates are renewed each day, so that a clock moved far ahead does not outrun them.
    fn today(&self) -> Timestamp {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
        let now = self.clock.now().as_millis();
        Timestamp::from_millis(now - now.rem_euclid(DAY_MILLIS))
    }

    /// What takes the TLS connections of one side.
    pub(super) fn listener(self: &Arc<Self>, at: FaultySide) -> io::Result<TlsListener> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let certificate = ServedCertificate { tls: Arc::clone(self), at };
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(certificate));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsListener { tls: Arc::clone(self), at, config: Arc::new(config) })
    }

    fn is_silent(&self, at: FaultySide, host: &str) -> bool {
        let rules = locked(&self.rules);
        let rule = rules.get(&(at, host.to_owned()));
        rule.is_some_and(|(rule, _)| rule.certificate == CertificateState::HandshakeSilence)
    }

    /// The edge's own handshake with an origin, at the sandbox's time. An error holds the [`rustls::Error`], if one is behind it.
    pub(super) async fn connect(self: &Arc<Self>, name: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = self.authority().ok_or_else(|| io::Error::other("the sandbox has no certificate authority"))?;
        roots.add(authority.root_der().clone()).map_err(io::Error::other)?;
        let provider = Arc::new(ring::default_provider());
        let clock = Arc::new(SandboxTime(Arc::clone(&self.clock)));
        let builder = ClientConfig::builder_with_details(provider, clock);
        let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let wrong_name = |_| io::Error::other(rustls::Error::InvalidCertificate(CertificateError::NotValidForName));
        let name = ServerName::try_from(name.to_owned()).map_err(wrong_name)?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handshakes of one side.
#[derive(Clone)]
pub(super) struct TlsListener {
    tls: Arc<SandboxTls>,
    at: FaultySide,
    config: Arc<ServerConfig>,
}

impl TlsListener {
    /// Returns never if that is how it was set. An error is a client that left, or one that was to be refused.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<server::TlsStream<TcpStream>> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if self.tls.is_silent(self.at, &server_name(&start.client_hello())) {
            std::future::pending::<()>().await;
        }
        start.into_stream(Arc::clone(&self.config)).await
    }
}

fn server_name(hello: &ClientHello<'_>) -> String {
    hello.server_name().unwrap_or(NAMELESS).to_ascii_lowercase()
}

/// One side's certificates, by the name that a client asks for.
struct ServedCertificate {
    tls: Arc<SandboxTls>,
    at: FaultySide,
}

impl fmt::Debug for ServedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedCertificate").field("at", &self.at).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.tls.certificate(self.at, &server_name(&hello))
    }
}

/// Certificates are judged by the sandbox's clock, which a test may have moved.
struct SandboxTime(Arc<dyn Clock>);

impl fmt::Debug for SandboxTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SandboxTime")
    }
}

impl TimeProvider for SandboxTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
