//! The simulated Tencent Cloud CDN: an API that checks signatures, limits and quotas, an edge and an origin behind it,
//! and a control endpoint for what tests want to go wrong. An island: it shares no code with the provider's client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

mod api;
mod cache;
mod calendar;
mod calls;
mod cloud;
mod control;
mod credential;
mod domains;
pub mod domains_file;
mod edge;
mod faults;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod listener;
mod origin;
mod quota;
mod rate;
mod refusal;
mod settle;
mod target;
mod task;
#[cfg(test)]
mod tests;
mod verify;
mod wire;

pub use calls::Call;
pub use cloud::{Cloud, TaskView};
pub use credential::Credential;
pub use domains::{Area, Domain, DomainStatus};
pub use origin::ContentFault;
pub use quota::{PoolChange, PoolView, QuotaOptions};
pub use task::TaskKind;
pub use wire::{
    DayLimitRule, DirectorySlashRule, Fault, FaultRule, MixedBatchRule, OriginContent, RateRule, RateScope, Switches,
};

pub struct Options {
    /// Where the API listens; edge, origin and control take free ports of the same address. Loopback is meant; another
    /// address is allowed for a staging container, and opens all four to whoever reaches it.
    pub listen: SocketAddr,
    pub clock: Arc<dyn Clock>,
    pub credentials: Vec<Credential>,
    pub domains: Vec<Domain>,
    pub quota: QuotaOptions,
    pub switches: Switches,
    /// How long a task takes at least; each of its rows up to a quarter more.
    pub task_time: Duration,
}

impl Options {
    /// A free port on loopback, a fresh key pair, two domains and the default limits.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock,
            credentials: vec![Credential::generate()],
            domains: domains::newcomers_domains(),
            quota: QuotaOptions::default(),
            switches: Switches::default(),
            task_time: Duration::from_secs(2),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    pub api: SocketAddr,
    pub edge: SocketAddr,
    pub origin: SocketAddr,
    pub control: SocketAddr,
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

    /// Returns when all four servers have stopped.
    pub async fn ended(mut self) {
        while self.servers.join_next().await.is_some() {}
    }
}

/// Opens the four listeners and serves them in the background.
pub async fn start(options: Options, shutdown: CancellationToken) -> io::Result<Sandbox> {
    let beside = SocketAddr::new(options.listen.ip(), 0);
    let api = TcpListener::bind(options.listen).await?;
    let edge = TcpListener::bind(beside).await?;
    let origin = TcpListener::bind(beside).await?;
    let control = TcpListener::bind(beside).await?;
    let addresses = Addresses {
        api: api.local_addr()?,
        edge: edge.local_addr()?,
        origin: origin.local_addr()?,
        control: control.local_addr()?,
    };
    let cloud = Arc::new(Cloud::new(options, reachable(addresses.origin)));
    let mut servers = JoinSet::new();
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(api, shutdown.clone(), move |request| api::answer(Arc::clone(&at), request)));
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(edge, shutdown.clone(), move |request| edge::answer(Arc::clone(&at), request)));
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(origin, shutdown.clone(), move |request| origin::answer(Arc::clone(&at), request)));
    servers.spawn(control::serve(control, shutdown, Arc::clone(&cloud)));
    Ok(Sandbox { addresses, cloud, servers })
}

/// An address that listens everywhere is reached over loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}
