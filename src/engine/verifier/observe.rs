//! Probes both sides of one target: its origin and its edges.

use std::sync::Arc;
use std::time::Duration;

use super::origin::{DomainLookup, OriginAddresses, origin_request};
use super::policy::VerifyPolicy;
use crate::clock::Stopwatch;
use crate::domain::{ObservedResponse, Proof, Target};
use crate::probe::{ConnectError, ProbeRequest, ProbeResult, Prober};

/// One side could not be probed; `again`: whether another probe may succeed.
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

    pub(super) async fn observe(&self, target: &Target, within: Duration) -> Result<Proof, ProbeFailure> {
        let watch = Stopwatch::start();
        // The origin first: if it changes in between, the edge can only seem staler than it is.
        let origin = self.origin(target, within).await?;
        let mut edges = Vec::new();
        for edge in self.edge_requests(target) {
            let duration = within.saturating_sub(watch.elapsed());
            edges.push(read_response(&self.prober.probe_configured_address(&edge, duration).await, "edge")?);
        }
        Ok(Proof { origin, edges })
    }

    /// Probes the origin alone.
    pub(super) async fn origin(&self, target: &Target, within: Duration) -> Result<ObservedResponse, ProbeFailure> {
        let host = target.host();
        if let Some(address) = self.policy.origins.get(host) {
            let request = ProbeRequest::visit(target, Some(*address));
            return read_response(&self.prober.probe_configured_address(&request, within).await, "origin");
        }
        let unknown = |what: &str, again| {
            let reason = format!("{what}; set probe.origins.\"{host}\" to the address of its origin");
            Err(ProbeFailure { reason, again })
        };
        match self.domains.for_host(host) {
            OriginAddresses::Facts { facts, agent } => match origin_request(&facts, target, agent) {
                Some(request) => read_response(&self.prober.probe(&request, within).await, "origin"),
                None => unknown(&format!("the provider names no origin of {host} that can be probed"), false),
            },
            OriginAddresses::NotYet => {
                unknown(&format!("the origin of {host} has not been read from the provider yet"), true)
            }
            OriginAddresses::NoSuchDomain => unknown(&format!("the origin of {host} is not known"), false),
        }
    }

    /// With the User-Agent that the origin gets: content that varies by it would seem to differ.
    fn edge_requests(&self, target: &Target) -> Vec<ProbeRequest> {
        let user_agent = match self.domains.for_host(target.host()) {
            OriginAddresses::Facts { agent, .. } if !self.policy.origins.contains_key(target.host()) => {
                Some(agent.to_owned())
            }
            _ => None,
        };
        let visit = |at| ProbeRequest { user_agent: user_agent.clone(), ..ProbeRequest::visit(target, at) };
        match self.policy.edges.get(target.host()) {
            Some(addresses) => addresses.iter().map(|address| visit(Some(*address))).collect(),
            None => vec![visit(None)],
        }
    }
}

/// The response of one side, or why there is none.
fn read_response(result: &ProbeResult, side: &str) -> Result<ObservedResponse, ProbeFailure> {
    let host = &result.ask.host;
    let at = result.address.map(|address| format!(" at {address}")).unwrap_or_default();
    let fail = |reason: String, again| Err(ProbeFailure { reason, again });
    let fault = match (&result.name, &result.connect, &result.tls, &result.http) {
        // A browser refuses an edge with a bad certificate, so its content does not count. A CDN may accept that of its origin.
        (.., Some(Ok(tls)), Some(Ok(_)))
            if side == "edge"
                && let Err(fault) = &tls.verdict =>
        {
            return fail(format!("visitors do not trust the certificate of {host} at the edge{at}: {fault}"), true);
        }
        (.., Some(Ok(answer))) => {
            return Ok(ObservedResponse {
                at: result.at,
                address: result.address,
                look: answer.observation("x-cache-lookup", "x-nws-log-uuid"),
            });
        }
        (_, Some(Err(fault @ ConnectError::Denied(_))), ..) => {
            return fail(format!("the {side} of {host} is not probed: {fault}"), false);
        }
        (Some(name), None, ..) if let Some(fault) = &name.fault => {
            return fail(format!("{} does not resolve: {fault}", name.host), true);
        }
        (.., Some(Err(fault))) => fault.to_string(),
        (_, _, Some(Err(fault)), _) => fault.to_string(),
        (_, Some(Err(fault)), ..) => fault.to_string(),
        _ => "the probe got no response".to_owned(),
    };
    fail(format!("the {side} of {host}{at} does not answer: {fault}"), true)
}
