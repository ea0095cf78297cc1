//! What a sandbox is started with, and where its servers listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::account::Credential;
use super::account::quota::QuotaOptions;
use super::domain_config::domain::{Domain, default_domains};
use super::wire::Switches;
use crate::clock::Clock;

pub struct SandboxOptions {
    /// Where the API listens; everything else takes free ports of the same address. Loopback is meant; another
    /// address is allowed for a staging container, and opens all of them to everybody who can reach it.
    pub listen: SocketAddr,
    /// Further addresses of the edge, each a node with copies of its own, at ports 80 and 443. The DNS then names them and
    /// not the edge. One where those ports cannot be had is left out.
    pub nodes: Vec<IpAddr>,
    /// Further addresses of the origin, each a machine that answers at ports 80 and 443.
    pub machines: Vec<IpAddr>,
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
            nodes: Vec::new(),
            machines: Vec::new(),
            clock,
            credentials: vec![Credential::generate()],
            domains: default_domains(),
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
    pub(super) fn reachable(self) -> Self {
        Self {
            edge: reachable(self.edge),
            origin: reachable(self.origin),
            origin_tls: reachable(self.origin_tls),
            ..self
        }
    }
}

/// An address that listens everywhere is reached over loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}
