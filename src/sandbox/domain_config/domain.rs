//! The acceleration domains of the simulated account: names, areas, states, which of them owns a host, and how they
//! are changed from outside.

use std::borrow::Cow;

use super::wire::{CacheKeySetup, CacheSetup, DomainChange, DomainConfigState, OriginSetup, StatusCodeCache, Switched};

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

    pub(crate) const fn covers(self, other: Self) -> bool {
        matches!((self, other), (Self::Global, _) | (Self::Mainland, Self::Mainland) | (Self::Overseas, Self::Overseas))
    }

    /// The areas with a quota of their own that this one is made of.
    pub(crate) const fn parts(self) -> &'static [Self] {
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
    pub(crate) const fn serves(self) -> bool {
        matches!(self, Self::Online | Self::Processing)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// A host in lower case, or `*.` and a host for a wildcard domain.
    pub name: String,
    pub area: Area,
    pub status: DomainStatus,
    /// Why it is off, in the provider's word; `normal` if it is not.
    pub disable: String,
    /// Where the provider lets nothing be changed; `normal` is nowhere.
    pub readonly: String,
    pub standing: DomainConfigState,
    pub origin: OriginSetup,
    pub cache_key: CacheKeySetup,
    pub cache: CacheSetup,
    /// `None`: a 404 is kept for ten seconds, and no other error.
    pub status_code_cache: Option<StatusCodeCache>,
    pub follow_redirect: Switched,
}

impl Domain {
    /// A domain in every area, online, whose queries count.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            area: Area::Global,
            status: DomainStatus::Online,
            disable: "normal".to_owned(),
            readonly: "normal".to_owned(),
            standing: DomainConfigState::Normal,
            origin: OriginSetup::default(),
            cache_key: CacheKeySetup::default(),
            cache: CacheSetup::default(),
            status_code_cache: None,
            follow_redirect: Switched::default(),
        }
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        self.name.starts_with("*.")
    }

    /// The name without the star of a wildcard.
    pub(crate) fn bare_name(&self) -> &str {
        self.name.trim_start_matches("*.")
    }

    /// What the domain's own DNS has to point to.
    pub(crate) fn cname(&self) -> String {
        format!("{}.cdn.dnsv1.com", self.bare_name())
    }

    /// The Host that the origin is asked with, for a request of `host`.
    pub(crate) fn server_name(&self, host: &str) -> String {
        self.origin.server_name.clone().unwrap_or_else(|| host.to_owned())
    }

    /// Whose copies serve a visitor from `area`: a domain that is not served there is served from elsewhere.
    pub(crate) const fn edge_for(&self, area: Area) -> Area {
        if self.area.covers(area) { area } else { self.area }
    }
}

/// What the sandbox owns if nobody says otherwise.
pub(crate) fn default_domains() -> Vec<Domain> {
    vec![Domain::new("www.example.com"), Domain::new("static.example.com")]
}

/// Why a domain is off, in the provider's words.
const DISABLED: [&str; 9] =
    ["normal", "overdue", "malicious", "ddos", "ddos_risk", "idle", "unlicensed", "capping", "readonly"];
const READONLY: [&str; 4] = ["normal", "mainland", "overseas", "global"];

/// A word that the provider does not have: the field, and the words that it has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is {1}")]
pub struct DomainConfigError(&'static str, String);

#[derive(Debug)]
pub(crate) struct DomainTable(pub(in crate::sandbox) Vec<Domain>);

impl DomainTable {
    /// The domain with this name, else the wildcard domain that the host falls under.
    pub(crate) fn owner_of(&self, host: &str) -> Option<&Domain> {
        let host = lower(host);
        let named = self.named(&host);
        named.or_else(|| self.0.iter().find(|domain| domain.is_wildcard() && host.ends_with(&domain.name[1..])))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Domain> {
        self.0.iter().find(|domain| domain.name == name)
    }

    /// Makes all the changes, or none if one of them is at fault.
    pub(crate) fn change(&mut self, changes: Vec<DomainChange>) -> Result<(), DomainConfigError> {
        let mut domains = self.0.clone();
        for change in changes {
            let name = change.domain.to_ascii_lowercase();
            if !is_host(name.strip_prefix("*.").unwrap_or(&name)) {
                return Err(DomainConfigError("Domain", "a host name such as www.example.com".to_owned()));
            }
            let index = domains.iter().position(|domain| domain.name == name).unwrap_or_else(|| {
                domains.push(Domain::new(name));
                domains.len() - 1
            });
            apply(&mut domains[index], change)?;
        }
        self.0 = domains;
        Ok(())
    }

    /// Says whether the account had it.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|domain| !domain.name.eq_ignore_ascii_case(name));
        self.0.len() < before
    }
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

fn apply(domain: &mut Domain, change: DomainChange) -> Result<(), DomainConfigError> {
    if let Some(word) = change.area {
        let error = || DomainConfigError("Area", "mainland, overseas or global".to_owned());
        domain.area = Area::parse(&word).ok_or_else(error)?;
    }
    if let Some(word) = change.status {
        let error = || DomainConfigError("Status", "online, offline, processing, closing or rejected".to_owned());
        domain.status = DomainStatus::parse(&word).ok_or_else(error)?;
    }
    if let Some(word) = change.disable {
        domain.disable = one_of("Disable", word, &DISABLED)?;
    }
    if let Some(word) = change.readonly {
        domain.readonly = one_of("Readonly", word, &READONLY)?;
    }
    if let Some(mut origin) = change.origin {
        origin.server_name = origin.server_name.map(|name| name.to_ascii_lowercase());
        domain.origin = origin;
    }
    domain.standing = change.standing.unwrap_or(domain.standing);
    domain.follow_redirect = change.follow_redirect.unwrap_or(domain.follow_redirect);
    domain.status_code_cache = change.status_code_cache.or_else(|| domain.status_code_cache.take());
    if let Some(key) = change.cache_key {
        domain.cache_key = key;
    }
    if let Some(cache) = change.cache {
        domain.cache = cache;
    }
    Ok(())
}

fn one_of(field: &'static str, word: String, words: &[&str]) -> Result<String, DomainConfigError> {
    if words.contains(&word.as_str()) { Ok(word) } else { Err(DomainConfigError(field, words.join(", "))) }
}

pub(crate) fn is_host(name: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_its_own_domain_before_a_wildcard() {
        let mut named = Domain::new("a.example.com");
        named.area = Area::Mainland;
        let domains = DomainTable(vec![Domain::new("*.example.com"), named]);
        assert_eq!(domains.owner_of("A.example.com").map(|domain| domain.area), Some(Area::Mainland));
        assert_eq!(domains.owner_of("b.example.com").map(|domain| domain.area), Some(Area::Global));
        assert!(domains.owner_of("example.com").is_none());
        assert!(domains.owner_of("badexample.com").is_none());
    }
}
