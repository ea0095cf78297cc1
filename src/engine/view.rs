//! Both sides of one target: what its origin has, and what its edges serve.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::{Look, Target};
use crate::probe::{Ask, ConnectFault, HttpLook, Prober, Sighting};

/// Addresses to look at instead of what DNS and the provider say (`verify.edges`, `probe.edges`, `probe.origins`).
#[derive(Debug, Clone, Default)]
pub struct Vantage {
    /// All of a host's must be fresh.
    pub edges: BTreeMap<String, Vec<SocketAddr>>,
    pub origins: BTreeMap<String, SocketAddr>,
}

/// What there was to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sides {
    Seen { edges: Vec<Look>, origin: Look },
    Blind(Blind),
}

/// One side could not be looked at; `again` tells whether another look may see more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blind {
    pub(super) reason: String,
    pub(super) again: bool,
}

pub(super) struct Viewer {
    prober: Arc<dyn Prober>,
    vantage: Arc<Vantage>,
}

impl Viewer {
    pub(super) fn new(prober: Arc<dyn Prober>, vantage: Arc<Vantage>) -> Self {
        Self { prober, vantage }
    }

    pub(super) async fn view(&self, target: &Target, within: Duration) -> Sides {
        self.both(target, within).await.unwrap_or_else(Sides::Blind)
    }

    async fn both(&self, target: &Target, within: Duration) -> Result<Sides, Blind> {
        let watch = Stopwatch::start();
        // The origin first: if it changes in between, the edge can only be seen staler than it is.
        let origin = self.origin(target, within).await?;
        let mut edges = Vec::new();
        for edge in self.edges(target) {
            let left = within.saturating_sub(watch.elapsed());
            edges.push(answered(&self.prober.look_at_configured(&edge, left).await, "edge")?);
        }
        Ok(Sides::Seen { edges, origin })
    }

    async fn origin(&self, target: &Target, within: Duration) -> Result<Look, Blind> {
        let host = target.host();
        let Some(address) = self.vantage.origins.get(host) else {
            let reason = format!("the origin of {host} is not known; set probe.origins.\"{host}\" to its address");
            return Err(Blind { reason, again: false });
        };
        let ask = Ask::visit(target, Some(*address));
        answered(&self.prober.look_at_configured(&ask, within).await, "origin")
    }

    fn edges(&self, target: &Target) -> Vec<Ask> {
        match self.vantage.edges.get(target.host()) {
            Some(addresses) => addresses.iter().map(|address| Ask::visit(target, Some(*address))).collect(),
            None => vec![Ask::visit(target, None)],
        }
    }
}

/// The answer of one side, or what stood in its way.
fn answered(seen: &Sighting, side: &str) -> Result<Look, Blind> {
    let host = &seen.ask.host;
    let name_fault = seen.name.as_ref().and_then(|name| name.fault.as_ref());
    let blind = |reason: String| Err(Blind { reason, again: true });
    match (name_fault, &seen.connect, &seen.tls, &seen.http) {
        (_, Some(Ok(_)), tls, Some(Ok(answer))) => match tls {
            // What a visitor's browser refuses is not served, whatever it would say.
            Some(Ok(tls)) if side == "edge" && tls.verdict.is_err() => {
                let fault = tls.verdict.as_ref().expect_err("it was looked at");
                blind(format!("visitors do not trust the certificate of {host} at the edge: {fault}"))
            }
            _ => Ok(look(answer)),
        },
        (Some(fault), ..) => blind(format!("{host} does not resolve: {fault}")),
        (_, Some(Err(fault @ ConnectFault::Denied(_))), ..) => {
            Err(Blind { reason: format!("the {side} of {host} is not looked at: {fault}"), again: false })
        }
        (_, Some(Err(fault)), ..) => blind(format!("the {side} of {host}{} does not answer: {fault}", at(seen))),
        (_, _, Some(Err(fault)), _) => blind(format!("the {side} of {host}{} does not answer: {fault}", at(seen))),
        (_, _, _, Some(Err(fault))) => blind(format!("the {side} of {host}{} does not answer: {fault}", at(seen))),
        _ => blind(format!("the {side} of {host} could not be looked at")),
    }
}

fn at(seen: &Sighting) -> String {
    seen.address.map(|address| format!(" at {address}")).unwrap_or_default()
}

fn look(answer: &HttpLook) -> Look {
    Look {
        status: answer.status,
        etag: answer.header("etag"),
        last_modified: answer.header("last-modified"),
        body_sha256: answer.body_sha256,
        cache: answer.header("x-cache-lookup"),
        edge_log_id: answer.header("x-nws-log-uuid"),
    }
}
