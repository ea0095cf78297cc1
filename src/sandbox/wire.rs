//! What tests and people set from outside, in the JSON they write: fault rules, switches and origin content.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::domain_config::domain::Area;

/// Which calls a fault strikes. Without `times` and `every`: all calls of the action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// An action's name, or `*`.
    pub action: String,
    pub fault: Fault,
    /// Strikes so often, then never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Strikes each such-and-such matching call only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Matches only calls that list a URL or directory of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl FaultRule {
    #[must_use]
    pub fn new(action: impl Into<String>, fault: Fault) -> Self {
        Self { action: action.into(), fault, times: None, every: None, host: None }
    }

    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self { every: Some(every), ..self }
    }

    #[must_use]
    pub fn host(self, host: impl Into<String>) -> Self {
        Self { host: Some(host.into()), ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error in the envelope, given after the signature is checked and before anything is done.
    Refuse {
        code: String,
        #[serde(default)]
        message: String,
    },
    /// The call is carried out; then the connection closes without a byte of answer.
    LoseAnswer,
    /// The connection closes before anything is done.
    DropRequest,
    /// A gateway's answer, before anything is done or, with `after`, when everything is.
    Status {
        status: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        after: bool,
    },
    /// The call is carried out; the answer is not JSON.
    Garbage,
    /// The call is carried out; the answer breaks off in its middle.
    Truncate,
    /// The call is carried out; the answer comes this much later.
    Slow {
        #[serde(rename = "millis", with = "millis")]
        delay: Duration,
    },
    /// The call is carried out; the answer's body never ends.
    EndlessBody,
    /// The tasks made are listed this much later.
    LateListing {
        #[serde(rename = "millis", with = "millis")]
        delay: Duration,
    },
    /// For this call the cloud's clock is so far ahead (or, negative, behind).
    Skew { seconds: i64 },
    /// Rows of the tasks made end `fail`: those of the target, or a share of all, or all.
    TaskFails {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fraction: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
    },
    /// Rows of the tasks made stay `process`.
    NeverDone,
    /// Rows of the tasks made end `done`, but the edge does not change.
    NoEffect,
    /// Rows of the tasks made end `done`, but the nodes of one area keep what they have.
    KeepsCopy { area: EdgeArea },
    /// Rows of the tasks made end so much later than usual.
    SlowTask {
        #[serde(rename = "millis", with = "millis")]
        delay: Duration,
    },
}

/// Where nodes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeArea {
    Mainland,
    Overseas,
}

impl EdgeArea {
    pub(super) const fn area(self) -> Area {
        match self {
            Self::Mainland => Area::Mainland,
            Self::Overseas => Area::Overseas,
        }
    }
}

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
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_rules_read_as_documented_and_write_back_the_same() {
        let text = r#"{"action":"*","fault":{"kind":"slow","millis":1500},"every":3}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule, FaultRule::new("*", Fault::Slow { delay: Duration::from_millis(1_500) }).every(3));
        assert_eq!(serde_json::to_string(&rule).unwrap(), text);
    }

    #[test]
    fn an_unknown_word_in_a_rule_is_an_error() {
        for text in [
            r#"{"action":"*","fault":{"kind":"explode"}}"#,
            r#"{"action":"*","fault":{"kind":"slow","seconds":1}}"#,
            r#"{"action":"*","fault":{"kind":"garbage"},"time":1}"#,
        ] {
            assert!(serde_json::from_str::<FaultRule>(text).is_err(), "{text}");
        }
    }
}
