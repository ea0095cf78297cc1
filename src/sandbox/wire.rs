//! What tests and people set from outside, in the JSON they write: switches and origin content.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the cloud behaves where the provider's documents are silent, plus the origin's main switch. The defaults are
/// what the documents hint at, or else the plainer behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    pub call_rate: RateRule,
    pub call_rate_scope: RateScope,
    /// The most rows that one listing may ask for.
    pub list_limit_max: u64,
    pub list_newest_first: bool,
    /// How long a new task is not listed.
    #[serde(rename = "listing_delay_millis", with = "millis")]
    pub listing_delay: Duration,
    /// The longest time that one listing may span.
    #[serde(rename = "history_window_max_millis", with = "millis")]
    pub history_window_max: Duration,
    /// How long tasks stay listed.
    #[serde(rename = "history_retention_millis", with = "millis")]
    pub history_retention: Duration,
    /// A task for both areas has two rows for each URL.
    pub rows_per_area: bool,
    /// Rows say `Done`, as one published sample does.
    pub status_capitalised: bool,
    pub duplicates_charged: bool,
    pub failed_rows_refunded: bool,
    pub day_limit: DayLimitRule,
    pub mixed_batch: MixedBatchRule,
    pub directory_slash: DirectorySlashRule,
    /// `*` in a path is refused instead of taken literally.
    pub star_in_path_refused: bool,
    pub url_bytes_max: usize,
    /// The code that goes with a parameter of the wrong type.
    pub type_error_code: String,
    /// Quota answers leave out the overseas pools.
    pub overseas_quota_hidden: bool,
    /// The edge says how old its copies are.
    pub age_sent: bool,
    /// How the edge words whether it had a copy.
    pub cache_lookup: CacheLookupWords,
    /// The edge asks the origin with the visitor's `User-Agent` and `Cookie` instead of its own.
    pub visitor_passed: bool,
    /// How long the edge waits for an origin's answer, by the machine's clock.
    #[serde(rename = "origin_patience_millis", with = "millis")]
    pub origin_patience: Duration,
    /// The origin closes every connection without an answer.
    pub origin_down: bool,
}

impl Default for Switches {
    fn default() -> Self {
        const NINETY_DAYS: Duration = Duration::from_secs(90 * 24 * 60 * 60);
        Self {
            call_rate: RateRule::Bucket,
            call_rate_scope: RateScope::Account,
            list_limit_max: 1_000,
            list_newest_first: false,
            listing_delay: Duration::ZERO,
            history_window_max: NINETY_DAYS,
            history_retention: NINETY_DAYS,
            rows_per_area: false,
            status_capitalised: false,
            duplicates_charged: false,
            failed_rows_refunded: false,
            day_limit: DayLimitRule::Refuse,
            mixed_batch: MixedBatchRule::Refuse,
            directory_slash: DirectorySlashRule::Append,
            star_in_path_refused: false,
            url_bytes_max: 2_048,
            type_error_code: "InvalidParameter".to_owned(),
            overseas_quota_hidden: false,
            age_sent: true,
            cache_lookup: CacheLookupWords::Plain,
            visitor_passed: false,
            origin_patience: Duration::from_secs(10),
            origin_down: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateRule {
    /// A token bucket that holds one second's calls.
    Bucket,
    /// So many calls in each second of the clock.
    Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateScope {
    Account,
    SecretId,
}

/// The wordings of `X-Cache-Lookup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheLookupWords {
    /// `Cache Hit` or `Cache Miss`.
    Plain,
    /// What the tiers say, in one value.
    List,
    /// What the tiers say, each in a header of its own.
    Repeated,
}

impl CacheLookupWords {
    pub(super) const fn values(self, hit: bool) -> &'static [&'static str] {
        match (self, hit) {
            (Self::Plain, true) => &["Cache Hit"],
            (Self::Plain, false) => &["Cache Miss"],
            (Self::List, true) => &["Hit From MemCache"],
            (Self::List, false) => &["Cache Miss, Hit From Inner Cluster"],
            (Self::Repeated, true) => &["Hit From Disktank3"],
            (Self::Repeated, false) => &["Hit From Upstream", "Cache Miss", "Hit From Inner Cluster"],
        }
    }
}

/// What becomes of a call that lists more than is left today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayLimitRule {
    Refuse,
    /// What fits is taken, the rest is left out without a word.
    Partial,
}

/// What becomes of a call that lists one bad target among good ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MixedBatchRule {
    Refuse,
    /// The task is made, and the bad target's row ends `fail`.
    FailRow,
}

/// What a directory without its final slash means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectorySlashRule {
    Append,
    /// Everything whose path begins so, `/images` also `/images-old/a.png`.
    Prefix,
    Refuse,
}

/// Something for the origin to serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginContent {
    pub host: String,
    /// With its query, if it has one.
    pub path: String,
    #[serde(default)]
    pub body: String,
    /// If absent, told from the path's ending.
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub cache_control: Option<String>,
    /// If absent, 200.
    #[serde(default)]
    pub status: Option<u16>,
    /// Changes the content without a new `Last-Modified`, as careless deployments do.
    #[serde(default)]
    pub keep_last_modified: bool,
}

impl OriginContent {
    #[must_use]
    pub fn new(host: impl Into<String>, path: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            path: path.into(),
            body: body.into(),
            content_type: None,
            cache_control: None,
            status: None,
            keep_last_modified: false,
        }
    }
}

/// Lengths of time as whole milliseconds.
pub(super) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::sandbox) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(in crate::sandbox) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
