//! What integration tests share. Each piece arrives with the first test that needs it.

pub(crate) mod binary;
pub(crate) mod scripted_daemon;
mod world;

pub(crate) use world::{World, configuration};

/// Whether the exhaustive variants were asked for (`./tests/run --slow`).
pub(crate) fn slow() -> bool {
    std::env::var_os("REFRESHD_SLOW").is_some()
}
