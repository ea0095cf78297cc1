//! Whether the edge is fresh, from the responses of edge and origin, never from what the provider says.

mod cache_lookup;
mod content;
mod judge;
mod location;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use cache_lookup::CacheLookup;
pub use judge::judge;
pub use location::RedirectDestination;

use std::net::SocketAddr;
use std::time::Duration;

use super::string_enum::words;
use super::{Target, Timestamp};

words!(
    /// Whether a refresh took effect. `None`: not requested.
    Verification { None = "none", Pending = "pending", Fresh = "fresh", Stale = "stale", Unknown = "unknown" }
);

/// What one side answered for a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpObservation {
    pub status: u16,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Of the body as it was sent, or as it was announced.
    pub length: Option<u64>,
    /// Hash of the whole body; none if it is longer than the probe reads.
    pub body_sha256: Option<[u8; 32]>,
    pub encoding: Option<String>,
    pub vary: Option<String>,
    pub cache_control: Option<String>,
    pub location: Option<String>,
    /// Seconds, by the `Age` header.
    pub age: Option<u64>,
    /// The edge's header on where the response came from.
    pub cache: Option<String>,
    /// The edge's id of this answer, for a support ticket.
    pub edge_log_id: Option<String>,
}

/// One side's answer, when it came and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedResponse {
    pub at: Timestamp,
    pub address: Option<SocketAddr>,
    pub look: HttpObservation,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub origin: ObservedResponse,
    /// All that were probed, in the order of the configuration.
    pub edges: Vec<ObservedResponse>,
}

/// What the two sides are compared for.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonContext<'a> {
    pub target: &'a Target,
    /// The origin's answer to a second probe, right after the others.
    pub origin_again: SecondProbe<'a>,
    /// It was put into the cache, so a hit is to be expected.
    pub prefetched: bool,
    /// How long after the end of the refresh the edge's probe began; none: the refresh did not end, or there was none.
    pub ended: Option<Duration>,
}

/// The origin's second answer, which shows whether it differs from itself.
#[derive(Debug, Clone, Copy)]
pub enum SecondProbe<'a> {
    /// The origin was probed once.
    None,
    Failed(&'a str),
    Answer(&'a HttpObservation),
}

/// A verdict and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `Fresh`, `Stale` or `Unknown`.
    pub verification: Verification,
    pub reason: String,
}
