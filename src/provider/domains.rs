//! What a provider knows of the hosts it serves: the evidence behind "is it online?", "can the CDN reach the origin?" and
//! "did we purge the cached object?". Whatever it does not tell is `None`; it is never guessed.

use std::time::Duration;

use super::open_string_enum::open_words;

/// Which domains to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainQuery {
    All,
    /// The domains that serve these hosts, by name or by a wildcard above them.
    Hosts(Vec<String>),
}

/// How much to ask for. `Full` costs more calls where there are many domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainDetail {
    /// State, area and origin.
    Brief,
    /// Also cache key and cache rules.
    Full,
}

/// One domain as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainFacts {
    /// A host in lower case, or `*.` and a host.
    pub name: String,
    pub status: Option<DomainStatus>,
    pub area: Option<ServedArea>,
    /// What the host's DNS must point to, or traffic passes the CDN by.
    pub cname: Option<String>,
    pub service: Option<ServiceKind>,
    /// Why it was switched off, if it was.
    pub disabled: Option<DisableReason>,
    /// Where the provider lets nothing be changed, if anywhere.
    pub locked: Option<ServedArea>,
    pub origin: Option<Origin>,
    /// Only with `DomainDetail::Full`.
    pub cache_key: Option<CacheKey>,
    /// In order; a later rule wins. `None`: not asked for, or in a form that we do not read.
    pub cache_rules: Option<Vec<CacheRule>>,
}

open_words!(
    DomainStatus {
        Online = "online",
        Offline = "offline",
        /// A new configuration is on its way to the nodes; it serves and can be purged.
        Processing = "processing",
        Closing = "closing",
        /// Its registration with the authorities expired or was cancelled.
        Rejected = "rejected",
    }
);
open_words!(
    /// Where a domain is served.
    ServedArea { Mainland = "mainland", Overseas = "overseas", Global = "global" }
);
open_words!(
    /// What a domain mostly carries, which decides how it caches by default.
    ServiceKind { Web = "web", Download = "download", Media = "media", Hybrid = "hybrid", Dynamic = "dynamic" }
);
open_words!(
    DisableReason {
        Overdue = "overdue",
        Malicious = "malicious",
        Attacked = "ddos",
        AttackRisk = "ddos_risk",
        Idle = "idle",
        Unlicensed = "unlicensed",
        /// A bandwidth or traffic cap was reached.
        Capped = "capping",
        Readonly = "readonly",
    }
);
open_words!(
    OriginKind {
        Domain = "domain",
        Address = "ip",
        Ipv6 = "ipv6",
        /// The provider's own object storage.
        Bucket = "cos",
        ThirdPartyBucket = "third_party",
        Balancer = "igtm",
    }
);
open_words!(
    /// How the CDN asks the origin.
    PullProtocol { Http = "http", Https = "https", /** As it was itself asked. */ Follow = "follow" }
);

/// Where a domain's content comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub kind: Option<OriginKind>,
    pub addresses: Vec<OriginAddress>,
    pub backups: Vec<OriginAddress>,
    /// The Host header that the origin is asked with. `None`: the host that was asked for.
    pub server_name: Option<String>,
    pub protocol: Option<PullProtocol>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginAddress {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: Option<u16>,
    pub weight: Option<u32>,
}

/// What makes two URLs one cached object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheKey {
    pub common: KeyShape,
    /// Whether http and https are kept apart.
    pub scheme: Option<bool>,
    /// Paths with a key of their own; a later rule wins.
    pub rules: Vec<(PathRule, KeyShape)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyShape {
    /// Whether the query counts at all.
    pub query_counts: Option<bool>,
    pub ignore_case: Option<bool>,
    /// Which parameters count, where that was configured.
    pub query: Option<QueryRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRule {
    pub action: QueryAction,
    pub names: Vec<String>,
    /// Whether the order of the parameters does not count.
    pub reorder: bool,
}

open_words!(
    QueryAction {
        IncludeAll = "includeAll",
        ExcludeAll = "excludeAll",
        Include = "includeCustom",
        Exclude = "excludeCustom",
    }
);

/// Which paths a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    pub kind: PathRuleKind,
    pub paths: Vec<String>,
}

open_words!(
    PathRuleKind {
        All = "all",
        /// By extension.
        File = "file",
        Directory = "directory",
        Path = "path",
        /// The home page.
        Index = "index",
    }
);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRule {
    pub applies: PathRule,
    pub keeps: CachePolicy,
}

/// What a cache rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    For(Duration),
    /// Neither purge nor prefetch has an effect here.
    Nothing,
    /// What the origin's Cache-Control says.
    AsTheOriginSays,
    /// None of these, or several at once.
    Unclear,
}

impl DomainFacts {
    /// Whether it may be purged now, as far as is told.
    #[must_use]
    pub fn is_live(&self) -> Option<bool> {
        match self.status.as_ref()? {
            DomainStatus::Online | DomainStatus::Processing => Some(true),
            DomainStatus::Offline | DomainStatus::Closing | DomainStatus::Rejected => Some(false),
            DomainStatus::Other(_) => None,
        }
    }

    fn covers(&self, host: &str) -> bool {
        match self.name.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => self.name == host,
        }
    }

    /// The one of `domains` that serves `host`: that of its very name, else the longest wildcard above it.
    #[must_use]
    pub fn serving<'a>(host: &str, domains: &'a [Self]) -> Option<&'a Self> {
        let host = host.to_ascii_lowercase();
        let covering = domains.iter().filter(|domain| domain.covers(&host));
        covering.max_by_key(|domain| (!domain.name.starts_with('*'), domain.name.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str) -> DomainFacts {
        DomainFacts {
            name: name.to_owned(),
            status: None,
            area: None,
            cname: None,
            service: None,
            disabled: None,
            locked: None,
            origin: None,
            cache_key: None,
            cache_rules: None,
        }
    }

    #[test]
    fn a_host_is_served_by_its_own_name_before_the_longest_wildcard() {
        let domains = ["*.example.com", "*.a.example.com", "b.a.example.com"].map(domain);
        let serving = |host| DomainFacts::serving(host, &domains).map(|domain| domain.name.as_str());
        assert_eq!(serving("B.a.example.com"), Some("b.a.example.com"));
        assert_eq!(serving("c.a.example.com"), Some("*.a.example.com"));
        assert_eq!(serving("a.example.com"), Some("*.example.com"));
        assert_eq!(serving("example.com"), None);
        assert_eq!(serving("badexample.com"), None);
    }

    #[test]
    fn words_are_known_in_any_case_and_others_survive() {
        assert_eq!(DomainStatus::of("Online"), DomainStatus::Online);
        assert_eq!(DomainStatus::of("Frozen"), DomainStatus::Other("Frozen".to_owned()));
        assert_eq!(
            (QueryAction::Include.to_string(), DomainStatus::of("X").to_string()),
            ("includeCustom".into(), "X".into())
        );
    }

    #[test]
    fn a_word_that_is_new_says_neither_live_nor_dead() {
        let live = |word: &str| DomainFacts { status: Some(DomainStatus::of(word)), ..domain("h.example") }.is_live();
        assert_eq!([live("processing"), live("offline"), live("frozen")], [Some(true), Some(false), None]);
    }
}
