//! Starts and stops the servers of a sandbox: API, edge, origin, name server and control endpoint.

use std::io;
use std::net::SocketAddr;
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
    let cloud = Arc::new(Cloud::new(options, tls, addresses.reachable()));
    let mut servers = JoinSet::new();
    let at = Arc::clone(&cloud);
    servers.spawn(listener::serve(listeners.api, None, shutdown.clone(), move |request| {
        api::handle(Arc::clone(&at), request)
    }));
    for (listener, tls_listener, area, scheme) in [
        (listeners.edge, None, Area::Mainland, EdgeScheme::Http),
        (listeners.edge_overseas, None, Area::Overseas, EdgeScheme::Http),
        (listeners.edge_tls, Some(edge_tls), Area::Mainland, EdgeScheme::Https),
    ] {
        let at = Arc::clone(&cloud);
        let port = EdgeListener { area, scheme };
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
