//! A domain's configuration in the provider's own words: what DescribeDomainsConfig reports is what was set here.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    On,
    #[default]
    Off,
}

impl Switch {
    pub(crate) const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// What the provider wraps where an object might grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Switched {
    pub switch: Switch,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheKeySetup {
    /// On: the whole query belongs to the key, whatever `QueryString` says.
    pub full_url_cache: Switch,
    pub ignore_case: Switch,
    pub query_string: QueryString,
    pub scheme: Switched,
    /// The last that fits goes before the figures above.
    pub key_rules: Vec<KeyRule>,
}

impl Default for CacheKeySetup {
    fn default() -> Self {
        Self {
            full_url_cache: Switch::On,
            ignore_case: Switch::Off,
            query_string: QueryString::default(),
            scheme: Switched::default(),
            key_rules: Vec::new(),
        }
    }
}

impl CacheKeySetup {
    /// The key of a domain that ignores queries.
    #[must_use]
    pub fn without_query() -> Self {
        Self { full_url_cache: Switch::Off, ..Self::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryString {
    pub switch: Switch,
    pub reorder: Option<Switch>,
    pub action: Option<QueryAction>,
    /// Names, parted by `;`.
    pub value: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QueryAction {
    IncludeAll,
    ExcludeAll,
    IncludeCustom,
    ExcludeCustom,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyRule {
    pub rule_paths: Vec<String>,
    pub rule_type: RuleType,
    #[serde(default)]
    pub full_url_cache: Switch,
    #[serde(default)]
    pub ignore_case: Switch,
    #[serde(default)]
    pub query_string: QueryString,
    #[serde(default)]
    pub rule_tag: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleType {
    All,
    /// By the ending of the name.
    File,
    Directory,
    Path,
    /// The home page.
    Index,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheSetup {
    /// A later rule goes before an earlier one.
    pub rule_cache: Vec<CacheRuleSetup>,
}

impl Default for CacheSetup {
    /// Thirty days, unless the origin forbids it: what a new domain has.
    fn default() -> Self {
        Self { rule_cache: vec![CacheRuleSetup::all(CacheConfig::keep(30 * 24 * 60 * 60))] }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheRuleSetup {
    pub rule_paths: Vec<String>,
    pub rule_type: RuleType,
    pub cache_config: CacheConfig,
}

impl CacheRuleSetup {
    #[must_use]
    pub fn all(cache_config: CacheConfig) -> Self {
        Self { rule_paths: vec!["*".to_owned()], rule_type: RuleType::All, cache_config }
    }
}

/// One of the three, by its switch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheConfig {
    pub cache: Option<CacheDuration>,
    pub no_cache: Option<NoCache>,
    pub follow_origin: Option<FollowOrigin>,
}

impl CacheConfig {
    #[must_use]
    pub fn keep(seconds: u64) -> Self {
        Self {
            cache: Some(CacheDuration { switch: Switch::On, cache_time: seconds, ..CacheDuration::default() }),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn nothing() -> Self {
        Self { no_cache: Some(NoCache { switch: Switch::On, revalidate: Switch::Off }), ..Self::default() }
    }

    #[must_use]
    pub fn as_the_origin_says() -> Self {
        let follow = FollowOrigin { switch: Switch::On, heuristic_cache: HeuristicCache::default() };
        Self { follow_origin: Some(follow), ..Self::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheDuration {
    pub switch: Switch,
    /// Seconds; 0 keeps nothing.
    pub cache_time: u64,
    /// The shorter of `CacheTime` and the origin's `max-age` counts.
    pub compare_max_age: Switch,
    pub ignore_cache_control: Switch,
    pub ignore_set_cookie: Switch,
    pub origin_mtime_check_type: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct NoCache {
    pub switch: Switch,
    /// Kept, and checked with the origin each time.
    pub revalidate: Switch,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct FollowOrigin {
    pub switch: Switch,
    pub heuristic_cache: HeuristicCache,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct HeuristicCache {
    pub switch: Switch,
    pub cache_config: Option<HeuristicCacheConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct HeuristicCacheConfig {
    pub heuristic_cache_time_switch: Switch,
    pub heuristic_cache_time: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct StatusCodeCache {
    pub switch: Switch,
    pub cache_rules: Vec<StatusCodeRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StatusCodeRule {
    pub status_code: String,
    pub cache_time: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase", deny_unknown_fields)]
pub struct OriginSetup {
    /// Names or addresses, with a port if wanted. None: this sandbox's own origin.
    pub origins: Vec<String>,
    pub origin_type: Option<String>,
    /// The Host that the origin is asked with. None: the domain, or the host asked for under a wildcard.
    pub server_name: Option<String>,
    pub origin_pull_protocol: PullProtocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullProtocol {
    #[default]
    Http,
    Https,
    /// As the edge was itself asked.
    Follow,
}

/// Why the provider does not act on a domain that the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainConfigState {
    #[default]
    Normal,
    /// Being moved to EdgeOne.
    MovingToEdgeOne,
    /// Lives in EdgeOne by now.
    MovedToEdgeOne,
    OwnedByOther,
    Locked,
    Malicious,
    NoIcp,
}

impl DomainConfigState {
    /// Whether the account's listings show the domain.
    pub(crate) const fn is_listed(self) -> bool {
        !matches!(self, Self::MovedToEdgeOne | Self::OwnedByOther)
    }
}

/// What a change of a domain names; the rest stays as it is. A name that the account did not have is added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DomainChange {
    pub domain: String,
    pub area: Option<String>,
    pub status: Option<String>,
    pub disable: Option<String>,
    pub readonly: Option<String>,
    pub standing: Option<DomainConfigState>,
    pub origin: Option<OriginSetup>,
    pub cache_key: Option<CacheKeySetup>,
    pub cache: Option<CacheSetup>,
    pub status_code_cache: Option<StatusCodeCache>,
    pub follow_redirect: Option<Switched>,
}
