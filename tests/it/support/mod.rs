//! Helpers that several tests share.

mod world;

pub use world::{World, configuration};

/// Whether the exhaustive variants were asked for (`./tests/run --slow`).
pub fn slow() -> bool {
    std::env::var_os("REFRESHD_SLOW").is_some()
}
