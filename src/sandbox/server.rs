//! Starts and stops the servers of a sandbox: API, edge, origin, name server and control endpoint.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::domain_config::domain::Area;
use super::edge::cache::EdgeScheme;
use super::edge::{self, EdgeListener};
use super::faults::wire::FaultySide;
use super::options::{Addresses, SandboxOptions};
use super::state::Cloud;
use super::tls::SandboxTls;
use super::{api, control, dns, listener, origin};

/// A running sandbox. It stops when the token it was started with is cancelled, or when this is dropped.
pub struct Sandbox {
    pub addresses: Addresses,
    /// Those of the nodes asked for that could be had.
    pub nodes: Vec<IpAddr>,
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
    let listeners = Listeners::open(options.listen).await?;
    let addresses = listeners.addresses()?;
    let tls = Arc::new(SandboxTls::new(Arc::clone(&options.clock)));
    let (edge_tls, origin_tls) = (tls.listener(FaultySide::Edge)?, tls.listener(FaultySide::Origin)?);
    let node_listeners = NodeListeners::open(&options.nodes).await;
    let nodes: Vec<IpAddr> = node_listeners.iter().map(|node| node.address).collect();
    let cloud = Arc::new(Cloud::new(options, tls, addresses.reachable(), nodes.clone()));
    let mut servers = JoinSet::new();
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(listeners.api, None, shutdown.clone(), move |request| {
        api::handle(Arc::clone(&at), request)
    }));
    let mut edges = vec![
        (listeners.edge, None, Area::Mainland, 0),
        (listeners.edge_overseas, None, Area::Overseas, 0),
        (listeners.edge_tls, Some(edge_tls.clone()), Area::Mainland, 0),
    ];
    for (node, listeners) in (1..).zip(node_listeners) {
        edges.push((listeners.http, None, Area::Mainland, node));
        edges.push((listeners.https, Some(edge_tls.clone()), Area::Mainland, node));
    }
    for (listener, tls_listener, area, node) in edges {
        let at = Arc::clone(&cloud);
        let scheme = if tls_listener.is_some() { EdgeScheme::Https } else { EdgeScheme::Http };
        let port = EdgeListener { area, node, scheme };
        let handler = move |request| edge::handle(Arc::clone(&at), request, port);
        servers.spawn(listener::serve(listener, tls_listener, shutdown.clone(), handler));
    }
    for (listener, tls_listener) in [(listeners.origin, None), (listeners.origin_tls, Some(origin_tls))] {
        let at = Arc::clone(&cloud);
        let handler = move |request| origin::handle(Arc::clone(&at), request);
        servers.spawn(listener::serve(listener, tls_listener, shutdown.clone(), handler));
    }
    servers.spawn(dns::serve(listeners.dns, shutdown.clone(), Arc::clone(&cloud)));
    servers.spawn(control::serve(listeners.control, shutdown, Arc::clone(&cloud)));
    Ok(Sandbox { addresses, nodes, cloud, servers })
}

/// A node's sockets at the ports of the web.
struct NodeListeners {
    address: IpAddr,
    http: TcpListener,
    https: TcpListener,
}

impl NodeListeners {
    /// A node whose ports cannot be had, most likely for want of rights, is left out.
    async fn open(addresses: &[IpAddr]) -> Vec<Self> {
        let mut nodes = Vec::new();
        for address in addresses {
            let opened = async {
                let http = TcpListener::bind((*address, 80)).await?;
                let https = TcpListener::bind((*address, 443)).await?;
                io::Result::Ok(Self { address: *address, http, https })
            };
            match opened.await {
                Ok(node) => nodes.push(node),
                Err(error) => tracing::warn!(%error, %address, "the sandbox has no node at this address"),
            }
        }
        nodes
    }
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
        let any_port = SocketAddr::new(listen.ip(), 0);
        Ok(Self {
            api: TcpListener::bind(listen).await?,
            edge: TcpListener::bind(any_port).await?,
            edge_overseas: TcpListener::bind(any_port).await?,
            edge_tls: TcpListener::bind(any_port).await?,
            origin: TcpListener::bind(any_port).await?,
            origin_tls: TcpListener::bind(any_port).await?,
            dns: dns::Sockets::bind(listen.ip()).await?,
            control: TcpListener::bind(any_port).await?,
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
