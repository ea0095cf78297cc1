//! Both sides of one target: what its origin has, and what its edges serve.

use std::sync::Arc;
use std::time::Duration;

use super::VerifyPolicy;
use super::origin::{Domains, Known, origin_ask};
use crate::clock::Stopwatch;
use crate::domain::{Look, Proof, Side, Target};
use crate::probe::{Ask, ConnectFault, HttpLook, Prober, Sighting};

/// One side could not be looked at; `again` tells whether another look may see more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blind {
    pub(super) reason: String,
    pub(super) again: bool,
}

pub(super) struct Viewer {
    prober: Arc<dyn Prober>,
    policy: Arc<VerifyPolicy>,
    domains: Arc<dyn Domains>,
}

impl Viewer {
    pub(super) fn new(prober: Arc<dyn Prober>, policy: Arc<VerifyPolicy>, domains: Arc<dyn Domains>) -> Self {
        Self { prober, policy, domains }
    }

    pub(super) async fn view(&self, target: &Target, within: Duration) -> Result<Proof, Blind> {
        let watch = Stopwatch::start();
        // The origin first: if it changes in between, the edge can only be seen staler than it is.
        let origin = self.origin(target, within).await?;
        let mut edges = Vec::new();
        for edge in self.edges(target) {
            let left = within.saturating_sub(watch.elapsed());
            edges.push(answered(&self.prober.look_at_configured(&edge, left).await, "edge")?);
        }
        Ok(Proof { origin, edges })
    }

    async fn origin(&self, target: &Target, within: Duration) -> Result<Side, Blind> {
        let host = target.host();
        if let Some(address) = self.policy.origins.get(host) {
            let ask = Ask::visit(target, Some(*address));
            return answered(&self.prober.look_at_configured(&ask, within).await, "origin");
        }
        let unknown = |what: &str, again| {
            let reason = format!("{what}; set probe.origins.\"{host}\" to the address of its origin");
            Err(Blind { reason, again })
        };
        match self.domains.serving(host) {
            Known::Facts { facts, agent } => match origin_ask(&facts, target, agent) {
                Some(ask) => answered(&self.prober.look(&ask, within).await, "origin"),
                None => {
                    unknown(&format!("the provider does not tell of an origin of {host} that can be looked at"), false)
                }
            },
            Known::NotYet => unknown(&format!("the provider has not told yet where the origin of {host} is"), true),
            Known::NoSuchDomain => unknown(&format!("the origin of {host} is not known"), false),
        }
    }

    fn edges(&self, target: &Target) -> Vec<Ask> {
        match self.policy.edges.get(target.host()) {
            Some(addresses) => addresses.iter().map(|address| Ask::visit(target, Some(*address))).collect(),
            None => vec![Ask::visit(target, None)],
        }
    }
}

/// The answer of one side, or what stood in its way.
fn answered(seen: &Sighting, side: &str) -> Result<Side, Blind> {
    let host = &seen.ask.host;
    let place = seen.address.map(|address| format!(" at {address}")).unwrap_or_default();
    let blind = |reason: String, again| Err(Blind { reason, again });
    let fault = match (&seen.name, &seen.connect, &seen.tls, &seen.http) {
        // What a visitor's browser refuses is not served, whatever it would say. A CDN may trust its origin all the same.
        (.., Some(Ok(tls)), Some(Ok(_)))
            if side == "edge"
                && let Err(fault) = &tls.verdict =>
        {
            return blind(format!("visitors do not trust the certificate of {host} at the edge{place}: {fault}"), true);
        }
        (.., Some(Ok(answer))) => return Ok(Side { at: seen.at, address: seen.address, look: look(answer) }),
        (_, Some(Err(fault @ ConnectFault::Denied(_))), ..) => {
            return blind(format!("the {side} of {host} is not looked at: {fault}"), false);
        }
        (Some(name), None, ..) if let Some(fault) = &name.fault => {
            return blind(format!("{} does not resolve: {fault}", name.host), true);
        }
        (.., Some(Err(fault))) => fault.to_string(),
        (_, _, Some(Err(fault)), _) => fault.to_string(),
        (_, Some(Err(fault)), ..) => fault.to_string(),
        _ => "nothing was seen".to_owned(),
    };
    blind(format!("the {side} of {host}{place} does not answer: {fault}"), true)
}

fn look(answer: &HttpLook) -> Look {
    let announced = answer.header("content-length").and_then(|length| length.parse().ok());
    Look {
        status: answer.status,
        etag: answer.header("etag"),
        last_modified: answer.header("last-modified"),
        length: answer.body_sha256.map(|_| answer.body_bytes).or(announced),
        body_sha256: answer.body_sha256,
        encoding: answer.header("content-encoding"),
        vary: answer.header("vary"),
        cache_control: answer.header("cache-control"),
        location: answer.header("location"),
        age: answer.header("age").and_then(|age| age.parse().ok()),
        cache: answer.header("x-cache-lookup"),
        edge_log_id: answer.header("x-nws-log-uuid"),
    }
}
