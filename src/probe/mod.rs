//! Guarded looks at what an edge and an origin serve. Nothing here dials an address that the operator did not allow.

mod eyes;
mod guard;
mod http;
mod sighting;

pub use eyes::Eyes;
pub use guard::Guard;
pub use http::{HttpProber, HttpProberFault, ProbeTargets};
pub use sighting::{
    Ask, Certificate, CertificateFault, ConnectFault, Dial, HttpFault, HttpLook, NameFault, NameLook, Scheme, Sighting,
    TlsFault, TlsLook,
};

use async_trait::async_trait;

use crate::domain::{Look, Target};

/// Looks at a target, once.
#[async_trait]
pub trait Prober: Send + Sync {
    async fn look(&self, target: &Target) -> Sight;
}

/// What there was to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    Seen {
        edge: Box<Look>,
        origin: Box<Look>,
    },
    /// One side could not be looked at; `again` tells whether another look may see more.
    Blind {
        reason: String,
        again: bool,
    },
}
