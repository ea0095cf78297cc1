//! Where a domain's origin is, as its configuration writes it.

use super::wire::{OriginSetup, PullProtocol};
use crate::sandbox::edge::cache::EdgeScheme;

/// `name`, `name:port`, `ip:port` or `ip:port:weight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginEndpoint {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl OriginEndpoint {
    fn read(text: &str) -> Self {
        // A bare IPv6 address is all colons.
        let (host, rest) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None if text.matches(':').count() > 2 => (text, None),
            None => text.split_once(':').map_or((text, None), |(host, rest)| (host, Some(rest))),
        };
        let port = rest.and_then(|rest| rest.split(':').next()).and_then(|port| port.parse().ok());
        Self { host: host.to_ascii_lowercase(), port }
    }
}

impl OriginSetup {
    /// `None`: this sandbox's own origin.
    pub(crate) fn address(&self) -> Option<OriginEndpoint> {
        self.origins.first().map(|text| OriginEndpoint::read(text))
    }

    pub(crate) fn is_at(&self, name: &str) -> bool {
        self.origins.iter().any(|text| OriginEndpoint::read(text).host == name)
    }

    /// How the origin is asked by an edge that was asked by `scheme`.
    pub(crate) const fn scheme(&self, scheme: EdgeScheme) -> EdgeScheme {
        match self.origin_pull_protocol {
            PullProtocol::Http => EdgeScheme::Http,
            PullProtocol::Https => EdgeScheme::Https,
            PullProtocol::Follow => scheme,
        }
    }

    /// The provider's word for what `origins` holds, if nobody wrote one.
    pub(crate) fn kind(&self) -> &str {
        let is_name = self.address().is_some_and(|address| address.host.parse::<std::net::IpAddr>().is_err());
        self.origin_type.as_deref().unwrap_or(if is_name { "domain" } else { "ip" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        for (text, host, port) in [
            ("origin.example.com", "origin.example.com", None),
            ("Origin.example.com:8080", "origin.example.com", Some(8080)),
            ("192.0.2.1:80:30", "192.0.2.1", Some(80)),
            ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
            ("2001:db8::2", "2001:db8::2", None),
        ] {
            assert_eq!(OriginEndpoint::read(text), OriginEndpoint { host: host.to_owned(), port }, "{text}");
        }
    }
}
