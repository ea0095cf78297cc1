//! What integration tests share. Each piece arrives with the first test that needs it.

pub(crate) mod acknowledged_jobs;
pub(crate) mod binary;
pub(crate) mod crashing_daemon;
mod db_invariants;
pub(crate) mod job_fixtures;
pub(crate) mod load_generator;
pub(crate) mod scripted_daemon;
mod world;

use std::time::Duration;

pub(crate) use db_invariants::{Books, recount as recount_of};
pub(crate) use world::{Answered, World, configuration};

/// A client that gives up on a daemon that hangs.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().expect("a client")
}

/// Whether the exhaustive variants were asked for (`./tests/run --slow`).
pub(crate) fn slow() -> bool {
    std::env::var_os("REFRESHD_SLOW").is_some()
}
