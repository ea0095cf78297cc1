//! What integration tests share. Each piece arrives with the first test that needs it.

pub(crate) mod acknowledged_jobs;
pub(crate) mod binary;
pub(crate) mod crashing_daemon;
mod db_invariants;
pub(crate) mod job_fixtures;
pub(crate) mod load_generator;
pub(crate) mod scripted_daemon;
mod world;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

pub(crate) use db_invariants::{Books, recount as recount_of};
pub(crate) use world::{Answered, World, configuration};

/// A client that gives up on a daemon that hangs.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client")
}

/// An address for a daemon that starts there again and again. While it is dead nobody else takes its port: everything else in
/// these tests listens and connects from 127.0.0.1, where a client that calls a dead port can even be given that very port.
pub(crate) fn own_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 2, high, low), 0)).expect("a port");
    listener.local_addr().expect("an address")
}

/// Whether the exhaustive variants were asked for (`./tests/run --slow`).
pub(crate) fn slow() -> bool {
    std::env::var_os("REFRESHD_SLOW").is_some()
}
