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
use super::state::{Cloud, ServerAddresses};
use super::tls::SandboxTls;
use super::{api, control, dns, listener, origin};

/// A running sandbox. It stops when the token it was started with is cancelled, or when this is dropped.
pub struct Sandbox {
    pub addresses: Addresses,
    /// Those of the edge's nodes asked for that could be had.
    pub nodes: Vec<IpAddr>,
    /// The same of the origin's machines.
    pub machines: Vec<IpAddr>,
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
    let node_listeners = WebListeners::open(&options.nodes).await;
    let machine_listeners = WebListeners::open(&options.machines).await;
    let opened = |listeners: &[WebListeners]| listeners.iter().map(|at| at.address).collect::<Vec<IpAddr>>();
    let (nodes, machines) = (opened(&node_listeners), opened(&machine_listeners));
    let servers_at = ServerAddresses { own: addresses.reachable(), nodes: nodes.clone(), machines: machines.clone() };
    let cloud = Arc::new(Cloud::new(options, tls, servers_at));
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
    let mut origins = vec![(listeners.origin, None, 0), (listeners.origin_tls, Some(origin_tls.clone()), 0)];
    for (machine, listeners) in (1..).zip(machine_listeners) {
        origins.push((listeners.http, None, machine));
        origins.push((listeners.https, Some(origin_tls.clone()), machine));
    }
    for (listener, tls_listener, machine) in origins {
        let at = Arc::clone(&cloud);
        let handler = move |request| origin::handle(Arc::clone(&at), request, machine);
        servers.spawn(listener::serve(listener, tls_listener, shutdown.clone(), handler));
    }
    servers.spawn(dns::serve(listeners.dns, shutdown.clone(), Arc::clone(&cloud)));
    servers.spawn(control::serve(listeners.control, shutdown, Arc::clone(&cloud)));
    Ok(Sandbox { addresses, nodes, machines, cloud, servers })
}

/// An address with sockets at the ports of the web.
struct WebListeners {
    address: IpAddr,
    http: TcpListener,
    https: TcpListener,
}

impl WebListeners {
    /// An address whose ports cannot be had, most likely for want of rights, is left out.
    async fn open(addresses: &[IpAddr]) -> Vec<Self> {
        let mut listeners = Vec::new();
        for address in addresses {
            let opened = async {
                let http = TcpListener::bind((*address, 80)).await?;
                let https = TcpListener::bind((*address, 443)).await?;
                io::Result::Ok(Self { address: *address, http, https })
            };
            match opened.await {
                Ok(at) => listeners.push(at),
                Err(error) => tracing::warn!(%error, %address, "the sandbox cannot listen at ports 80 and 443"),
            }
        }
        listeners
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
