//! How thorough the verifier is: the sections `verify` and `probe` of config/default.toml.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What is probed, at which addresses, and when a verdict is final.
#[derive(Debug, Clone)]
pub struct VerifyPolicy {
    /// Addresses of a host's edges instead of what DNS says; all of them must be fresh.
    pub edges: BTreeMap<String, Vec<SocketAddr>>,
    /// The address of a host's origin instead of what the provider says.
    pub origins: BTreeMap<String, SocketAddr>,
    /// Paths of a host by which the directories above them are verified.
    pub directories: BTreeMap<String, Vec<String>>,
    /// Targets of one job that are probed: all of a small job, an even sample of a large one.
    pub sample: u32,
    /// Nothing counts as stale so long after a job's end: edges take a moment.
    pub grace: Duration,
    /// Whether stale URLs are purged once more.
    pub repurge: bool,
}

impl Default for VerifyPolicy {
    fn default() -> Self {
        Self {
            edges: BTreeMap::new(),
            origins: BTreeMap::new(),
            directories: BTreeMap::new(),
            sample: 100,
            grace: Duration::from_secs(30),
            repurge: false,
        }
    }
}
