//! The acceleration domains of the simulated account: names, areas, states, and which of them owns a host.

use std::borrow::Cow;

/// Where a domain is accelerated, or what a call asks for. `Global` is the other two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    Mainland,
    Overseas,
    Global,
}

impl Area {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "mainland" => Some(Self::Mainland),
            "overseas" => Some(Self::Overseas),
            "global" => Some(Self::Global),
            _ => None,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mainland => "mainland",
            Self::Overseas => "overseas",
            Self::Global => "global",
        }
    }

    pub(super) const fn covers(self, other: Self) -> bool {
        matches!((self, other), (Self::Global, _) | (Self::Mainland, Self::Mainland) | (Self::Overseas, Self::Overseas))
    }

    /// The areas with a quota of their own that this one is made of.
    pub(super) const fn parts(self) -> &'static [Self] {
        match self {
            Self::Mainland => &[Self::Mainland],
            Self::Overseas => &[Self::Overseas],
            Self::Global => &[Self::Mainland, Self::Overseas],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainStatus {
    Online,
    Offline,
    Processing,
    Closing,
    Rejected,
}

impl DomainStatus {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "online" => Some(Self::Online),
            "offline" => Some(Self::Offline),
            "processing" => Some(Self::Processing),
            "closing" => Some(Self::Closing),
            "rejected" => Some(Self::Rejected),
            _ => None,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Processing => "processing",
            Self::Closing => "closing",
            Self::Rejected => "rejected",
        }
    }

    /// Whether edges serve the domain, which is also when it may be purged.
    pub(super) const fn serves(self) -> bool {
        matches!(self, Self::Online | Self::Processing)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// A host in lower case, or `*.` and a host for a wildcard domain.
    pub name: String,
    pub area: Area,
    pub status: DomainStatus,
    /// Whether URLs that differ only in their query are different objects (`CacheKey.FullUrlCache`).
    pub full_url_cache: bool,
}

impl Domain {
    /// A domain in every area, online, whose queries count.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), area: Area::Global, status: DomainStatus::Online, full_url_cache: true }
    }

    pub(super) fn is_wildcard(&self) -> bool {
        self.name.starts_with("*.")
    }

    /// The path under which the edge keeps what was asked for.
    pub(super) fn cache_path<'a>(&self, path_and_query: &'a str) -> &'a str {
        if self.full_url_cache {
            return path_and_query;
        }
        path_and_query.split('?').next().unwrap_or(path_and_query)
    }
}

/// What the sandbox owns if nobody says otherwise.
pub(super) fn newcomers_domains() -> Vec<Domain> {
    vec![Domain::new("www.example.com"), Domain::new("static.example.com")]
}

#[derive(Debug)]
pub(super) struct Domains(pub(super) Vec<Domain>);

impl Domains {
    /// The domain with this name, else the wildcard domain that the host falls under.
    pub(super) fn owner_of(&self, host: &str) -> Option<&Domain> {
        let host = lower(host);
        let named = self.0.iter().find(|domain| domain.name == *host);
        named.or_else(|| self.0.iter().find(|domain| domain.is_wildcard() && host.ends_with(&domain.name[1..])))
    }
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_its_own_domain_before_a_wildcard() {
        let mut named = Domain::new("a.example.com");
        named.area = Area::Mainland;
        let domains = Domains(vec![Domain::new("*.example.com"), named]);
        assert_eq!(domains.owner_of("A.example.com").map(|domain| domain.area), Some(Area::Mainland));
        assert_eq!(domains.owner_of("b.example.com").map(|domain| domain.area), Some(Area::Global));
        assert!(domains.owner_of("example.com").is_none());
        assert!(domains.owner_of("badexample.com").is_none());
    }
}
