//! Where a host's origin is and how the CDN requests from it, by the provider's description of the domain.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::domain::Target;
use crate::probe::{DialTarget, ProbeRequest, Scheme};
use crate::provider::{DomainFacts, OriginAddress, OriginKind, PullProtocol};

/// The domain that serves a host.
#[derive(Debug, Clone)]
pub(super) enum OriginAddresses {
    /// The domains have not been read yet.
    NotYet,
    NoSuchDomain,
    Facts {
        facts: Arc<DomainFacts>,
        /// The user agent of the provider's requests to origins.
        agent: &'static str,
    },
}

/// Where the domains are looked up.
pub(super) trait DomainLookup: Send + Sync {
    fn for_host(&self, host: &str) -> OriginAddresses;
}

/// The CDN's request to the origin for the target. `None`: the provider does not say where it is, or hosts it itself.
pub(super) fn origin_request(facts: &DomainFacts, target: &Target, agent: &str) -> Option<ProbeRequest> {
    let origin = facts.origin.as_ref()?;
    // A bucket mostly requires the provider's signature; without it the response is not its content.
    if matches!(origin.kind, Some(OriginKind::Bucket | OriginKind::ThirdPartyBucket)) {
        return None;
    }
    let visit = ProbeRequest::visit(target, None);
    let scheme = match origin.protocol {
        Some(PullProtocol::Http) => Scheme::Http,
        Some(PullProtocol::Https) => Scheme::Https,
        Some(PullProtocol::Follow | PullProtocol::Other(_)) | None => visit.scheme,
    };
    let heaviest = |address: &&OriginAddress| std::cmp::Reverse(address.weight.unwrap_or(1));
    let address = origin.addresses.iter().min_by_key(heaviest)?;
    let port = address.port.unwrap_or(scheme.port());
    let dial = match address.host.parse::<IpAddr>() {
        Ok(ip) => DialTarget::Address(SocketAddr::new(ip, port)),
        Err(_) => DialTarget::Name(address.host.to_ascii_lowercase(), port),
    };
    let host = origin.server_name.clone().filter(|name| !name.is_empty()).unwrap_or(visit.host);
    Some(ProbeRequest { dial, scheme, host, path: visit.path, user_agent: Some(agent.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetKind;
    use crate::provider::Origin;

    fn facts(host: &str, port: Option<u16>, change: impl FnOnce(&mut Origin)) -> DomainFacts {
        let address = |host: &str, weight| OriginAddress { host: host.to_owned(), port, weight };
        let mut origin = Origin {
            kind: Some(OriginKind::Address),
            addresses: vec![address("192.0.2.99", Some(1)), address(host, Some(100))],
            backups: Vec::new(),
            server_name: None,
            protocol: None,
        };
        change(&mut origin);
        DomainFacts {
            name: "www.example.com".to_owned(),
            status: None,
            area: None,
            cname: None,
            service: None,
            disabled: None,
            locked: None,
            origin: Some(origin),
            cache_key: None,
            cache_rules: None,
        }
    }

    fn ask(facts: &DomainFacts) -> Option<ProbeRequest> {
        let target = Target::parse(TargetKind::Url, "https://www.example.com/a?b=c").expect("valid");
        origin_request(facts, &target, "node")
    }

    #[test]
    fn the_origin_is_asked_as_the_cdn_would() {
        let plain = ask(&facts("192.0.2.1", None, |_| ())).expect("an origin");
        assert_eq!(
            plain.dial,
            DialTarget::Address(([192, 0, 2, 1], 443).into()),
            "the scheme of the target, and the heaviest address"
        );
        assert_eq!((plain.host.as_str(), plain.path.as_str()), ("www.example.com", "/a?b=c"));
        assert_eq!(plain.user_agent.as_deref(), Some("node"));
        let named = facts("Origin.example.com", Some(8443), |origin| {
            origin.server_name = Some("shop.example.com".to_owned());
            origin.protocol = Some(PullProtocol::Https);
        });
        let named = ask(&named).expect("an origin");
        assert_eq!(
            (named.dial, named.scheme),
            (DialTarget::Name("origin.example.com".to_owned(), 8443), Scheme::Https)
        );
        assert_eq!(named.host, "shop.example.com");
        let http = ask(&facts("2001:db8::1", None, |origin| origin.protocol = Some(PullProtocol::Http)));
        let address = "[2001:db8::1]:80".parse().expect("an address");
        assert_eq!(http.map(|ask| (ask.dial, ask.scheme)), Some((DialTarget::Address(address), Scheme::Http)));
    }

    #[test]
    fn an_origin_that_nobody_can_look_at_is_none() {
        assert_eq!(ask(&DomainFacts { origin: None, ..facts("192.0.2.1", None, |_| ()) }), None);
        assert_eq!(ask(&facts("192.0.2.1", None, |origin| origin.addresses.clear())), None);
        assert_eq!(ask(&facts("b.cos.example", None, |origin| origin.kind = Some(OriginKind::Bucket))), None);
    }
}
