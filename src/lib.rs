//! refreshd makes a CDN serve fresh content. `ARCHITECTURE.md` is the map; the head of each module says what it does.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod diagnose;
pub mod domain;
pub mod engine;
pub mod notify;
pub mod offload;
pub mod probe;
pub mod provider;
pub mod random;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod web;

/// The committed inputs of `fuzz/`: the unit tests check each property on every sample, so that a fixed bug stays fixed.
#[cfg(test)]
mod corpus {
    use std::path::Path;

    /// The samples of one fuzz target.
    pub(crate) fn samples(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let entries = std::fs::read_dir(&folder).expect("a corpus");
        entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a sample")).collect()
    }
}
