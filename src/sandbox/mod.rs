//! The simulated Tencent Cloud CDN: an API that checks signatures, limits and quotas, an edge and an origin behind it, a
//! name server that leads to both, and a control endpoint for what tests want to go wrong. An island: it shares no code with the provider's client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use edge::EdgeListener;
use edge::cache::EdgeScheme;
use tls::SandboxTls;

mod account;
mod api;
mod control;
mod dns;
pub mod domain_config;
mod edge;
mod faults;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod listener;
mod origin;
mod state;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

pub use account::credential::Credential;
pub use account::quota::{PoolChange, QuotaOptions, SimulatedPool};
pub use account::wire::{AccountSetup, Denial, SimulatedAccountState};
pub use api::call_log::RecordedCall;
pub use api::task::TaskKind;
pub use dns::wire::{DnsAnswer, DnsRule};
pub use domain_config::change::DomainConfigError;
pub use domain_config::domain::{Area, Domain, DomainStatus};
pub use domain_config::wire::{
    CacheConfig, CacheDuration, CacheKeySetup, CacheRuleSetup, CacheSetup, DomainChange, DomainConfigState,
    FollowOrigin, HeuristicCache, HeuristicCacheConfig, KeyRule, NoCache, OriginSetup, PullProtocol, QueryAction,
    QueryString, RuleType, StatusCodeCache, StatusCodeRule, Switch, Switched,
};
pub use faults::http::{AnswerFault, AnswerRule, AnswerRuleError, FaultySide};
pub use origin::ContentError;
pub use state::{Cloud, TaskView};
pub use tls::{CertificateRule, CertificateState};
pub use wire::{
    DayLimitRule, DirectorySlashRule, EdgeArea, Fault, FaultRule, MixedBatchRule, OriginContent, RateRule, RateScope,
    Switches,
};

pub struct SandboxOptions {
    /// Where the API listens; everything else takes free ports of the same address. Loopback is meant; another
    /// address is allowed for a staging container, and opens all of them to whoever reaches it.
    pub listen: SocketAddr,
    pub clock: Arc<dyn Clock>,
    pub credentials: Vec<Credential>,
    pub domains: Vec<Domain>,
    pub quota: QuotaOptions,
    pub switches: Switches,
    /// How long a task takes at least; each of its rows up to a quarter more.
    pub task_time: Duration,
}

impl SandboxOptions {
    /// A free port on loopback, a fresh key pair, two domains and the default limits.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock,
            credentials: vec![Credential::generate()],
            domains: domain_config::domain::newcomers_domains(),
            quota: QuotaOptions::default(),
            switches: Switches::default(),
            task_time: Duration::from_secs(2),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub api: SocketAddr,
    /// What a client in the mainland is served by.
    pub edge: SocketAddr,
    pub edge_overseas: SocketAddr,
    pub edge_tls: SocketAddr,
    pub origin: SocketAddr,
    pub origin_tls: SocketAddr,
    /// A name server, by UDP and TCP.
    pub dns: SocketAddr,
    pub control: SocketAddr,
}

impl Addresses {
    /// As this machine reaches them.
    fn reachable(self) -> Self {
        Self {
            edge: reachable(self.edge),
            origin: reachable(self.origin),
            origin_tls: reachable(self.origin_tls),
            ..self
        }
    }
}

/// A running sandbox. It stops when the token it was started with is cancelled, or when this is dropped.
pub struct Sandbox {
    pub addresses: Addresses,
    cloud: Arc<Cloud>,
    servers: JoinSet<()>,
}

impl Sandbox {
    #[must_use]
    pub fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    /// Returns when all servers have stopped.
    pub async fn ended(mut self) {
        while self.servers.join_next().await.is_some() {}
    }
}

/// Opens the listeners and serves them in the background.
pub async fn start(options: SandboxOptions, shutdown: CancellationToken) -> io::Result<Sandbox> {
    let doors = Listeners::open(options.listen).await?;
    let addresses = doors.addresses()?;
    let tls = Arc::new(SandboxTls::new(Arc::clone(&options.clock)));
    let (edge_tls, origin_tls) = (tls.door(FaultySide::Edge)?, tls.door(FaultySide::Origin)?);
    let cloud = Arc::new(Cloud::new(options, tls, addresses.reachable()));
    let mut servers = JoinSet::new();
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(doors.api, None, shutdown.clone(), move |request| {
        api::answer(Arc::clone(&at), request)
    }));
    for (listener, tls_door, area, scheme) in [
        (doors.edge, None, Area::Mainland, EdgeScheme::Http),
        (doors.edge_overseas, None, Area::Overseas, EdgeScheme::Http),
        (doors.edge_tls, Some(edge_tls), Area::Mainland, EdgeScheme::Https),
    ] {
        let at = Arc::clone(&cloud);
        let door = EdgeListener { area, scheme };
        let answer = move |request| edge::answer(Arc::clone(&at), request, door);
        servers.spawn(listener::serve(listener, tls_door, shutdown.clone(), answer));
    }
    for (listener, tls_door) in [(doors.origin, None), (doors.origin_tls, Some(origin_tls))] {
        let at = Arc::clone(&cloud);
        let answer = move |request| origin::answer(Arc::clone(&at), request);
        servers.spawn(listener::serve(listener, tls_door, shutdown.clone(), answer));
    }
    servers.spawn(dns::serve(doors.dns, shutdown.clone(), Arc::clone(&cloud)));
    servers.spawn(control::serve(doors.control, shutdown, Arc::clone(&cloud)));
    Ok(Sandbox { addresses, cloud, servers })
}

/// Every socket, open and not yet served.
struct Listeners {
    api: TcpListener,
    edge: TcpListener,
    edge_overseas: TcpListener,
    edge_tls: TcpListener,
    origin: TcpListener,
    origin_tls: TcpListener,
    dns: dns::Sockets,
    control: TcpListener,
}

impl Listeners {
    async fn open(listen: SocketAddr) -> io::Result<Self> {
        let beside = SocketAddr::new(listen.ip(), 0);
        Ok(Self {
            api: TcpListener::bind(listen).await?,
            edge: TcpListener::bind(beside).await?,
            edge_overseas: TcpListener::bind(beside).await?,
            edge_tls: TcpListener::bind(beside).await?,
            origin: TcpListener::bind(beside).await?,
            origin_tls: TcpListener::bind(beside).await?,
            dns: dns::Sockets::bind(listen.ip()).await?,
            control: TcpListener::bind(beside).await?,
        })
    }

    fn addresses(&self) -> io::Result<Addresses> {
        Ok(Addresses {
            api: self.api.local_addr()?,
            edge: self.edge.local_addr()?,
            edge_overseas: self.edge_overseas.local_addr()?,
            edge_tls: self.edge_tls.local_addr()?,
            origin: self.origin.local_addr()?,
            origin_tls: self.origin_tls.local_addr()?,
            dns: self.dns.address()?,
            control: self.control.local_addr()?,
        })
    }
}

/// An address that listens everywhere is reached over loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}
