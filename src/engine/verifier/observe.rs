//! Both sides of one target: what its origin has, and what its edges serve.

use std::sync::Arc;
use std::time::Duration;

use super::origin::{DomainLookup, OriginAddresses, origin_ask};
use super::policy::VerifyPolicy;
use crate::clock::Stopwatch;
use crate::domain::{HttpObservation, ObservedResponse, Proof, Target};
use crate::probe::{ConnectError, HttpResult, ProbeRequest, ProbeResult, Prober};

/// One side could not be looked at; `again` tells whether another look may see more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProbeFailure {
    pub(super) reason: String,
    pub(super) again: bool,
}

pub(super) struct Observer {
    prober: Arc<dyn Prober>,
    policy: Arc<VerifyPolicy>,
    domains: Arc<dyn DomainLookup>,
}

impl Observer {
    pub(super) fn new(prober: Arc<dyn Prober>, policy: Arc<VerifyPolicy>, domains: Arc<dyn DomainLookup>) -> Self {
        Self { prober, policy, domains }
    }

    pub(super) async fn view(&self, target: &Target, within: Duration) -> Result<Proof, ProbeFailure> {
        let watch = Stopwatch::start();
        // The origin first: if it changes in between, the edge can only be seen staler than it is.
        let origin = self.origin(target, within).await?;
        let mut edges = Vec::new();
        for edge in self.edges(target) {
            let duration = within.saturating_sub(watch.elapsed());
            edges.push(answered(&self.prober.probe_configured_address(&edge, duration).await, "edge")?);
        }
        Ok(Proof { origin, edges })
    }

    async fn origin(&self, target: &Target, within: Duration) -> Result<ObservedResponse, ProbeFailure> {
        let host = target.host();
        if let Some(address) = self.policy.origins.get(host) {
            let ask = ProbeRequest::visit(target, Some(*address));
            return answered(&self.prober.probe_configured_address(&ask, within).await, "origin");
        }
        let unknown = |what: &str, again| {
            let reason = format!("{what}; set probe.origins.\"{host}\" to the address of its origin");
            Err(ProbeFailure { reason, again })
        };
        match self.domains.serving(host) {
            OriginAddresses::Facts { facts, agent } => match origin_ask(&facts, target, agent) {
                Some(ask) => answered(&self.prober.probe(&ask, within).await, "origin"),
                None => {
                    unknown(&format!("the provider does not tell of an origin of {host} that can be looked at"), false)
                }
            },
            OriginAddresses::NotYet => {
                unknown(&format!("the provider has not told yet where the origin of {host} is"), true)
            }
            OriginAddresses::NoSuchDomain => unknown(&format!("the origin of {host} is not known"), false),
        }
    }

    fn edges(&self, target: &Target) -> Vec<ProbeRequest> {
        match self.policy.edges.get(target.host()) {
            Some(addresses) => addresses.iter().map(|address| ProbeRequest::visit(target, Some(*address))).collect(),
            None => vec![ProbeRequest::visit(target, None)],
        }
    }
}

/// The answer of one side, or what stood in its way.
fn answered(seen: &ProbeResult, side: &str) -> Result<ObservedResponse, ProbeFailure> {
    let host = &seen.ask.host;
    let place = seen.address.map(|address| format!(" at {address}")).unwrap_or_default();
    let blind = |reason: String, again| Err(ProbeFailure { reason, again });
    let fault = match (&seen.name, &seen.connect, &seen.tls, &seen.http) {
        // What a visitor's browser refuses is not served, whatever it would say. A CDN may trust its origin all the same.
        (.., Some(Ok(tls)), Some(Ok(_)))
            if side == "edge"
                && let Err(fault) = &tls.verdict =>
        {
            return blind(format!("visitors do not trust the certificate of {host} at the edge{place}: {fault}"), true);
        }
        (.., Some(Ok(answer))) => {
            return Ok(ObservedResponse { at: seen.at, address: seen.address, look: look(answer) });
        }
        (_, Some(Err(fault @ ConnectError::Denied(_))), ..) => {
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

fn look(answer: &HttpResult) -> HttpObservation {
    let announced = answer.header("content-length").and_then(|length| length.parse().ok());
    HttpObservation {
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
