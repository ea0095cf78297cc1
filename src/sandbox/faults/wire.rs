//! What tests and people set to go wrong: faults of API calls, and of the responses of origin and edge.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::wire::millis;

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
    /// Rows of the tasks made end `done`, but one of the nodes with an address of their own keeps what it has; they
    /// count from 1.
    NodeKeepsCopy { node: usize },
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
    pub(crate) const fn area(self) -> Area {
        match self {
            Self::Mainland => Area::Mainland,
            Self::Overseas => Area::Overseas,
        }
    }
}

/// A fault of one host's server. The first that fits counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRule {
    pub at: FaultySide,
    /// Only this node of the edge, or machine of the origin. Those with an address of their own count from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// The domain, or the Host that its origin is asked with.
    pub host: String,
    /// Only paths that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only clients whose `User-Agent` contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Only clients whose `Cookie` contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// Only clients whose `Accept-Encoding` contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_encoding: Option<String>,
    /// Strikes so often, then never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Strikes each such-and-such request only, as one of several machines would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The next rule that fits counts too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    pub fault: AnswerFault,
}

impl AnswerRule {
    #[must_use]
    pub fn new(at: FaultySide, host: impl Into<String>, fault: AnswerFault) -> Self {
        Self {
            at,
            number: None,
            host: host.into(),
            path: None,
            user_agent: None,
            cookie: None,
            accept_encoding: None,
            times: None,
            every: None,
            more: false,
            fault,
        }
    }

    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    #[must_use]
    pub fn user_agent(self, part: impl Into<String>) -> Self {
        Self { user_agent: Some(part.into()), ..self }
    }

    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self { every: Some(every), ..self }
    }

    #[must_use]
    pub fn and_more(self) -> Self {
        Self { more: true, ..self }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultySide {
    Edge,
    Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerFault {
    /// The connection closes without a byte of answer.
    Close,
    /// The request is read, and nothing follows.
    Hang,
    /// The answer comes so much later, by the sandbox's clock.
    Slow { millis: u64 },
    Status {
        status: u16,
        #[serde(default)]
        body: String,
    },
    Redirect {
        location: String,
        #[serde(default = "status_found")]
        status: u16,
    },
    /// To the same URL, without end.
    RedirectToItself,
    /// The origin serves what it had before its last change; the edge knows no such thing.
    OldContent,
    /// Neither `ETag` nor `Last-Modified`.
    WithoutValidators,
    /// Set on the answer, in place of its own of that name.
    Headers { headers: BTreeMap<String, String> },
    /// A whole answer. In body and headers, `{nonce}` is another text each time, `{time}` the time, and `{path}`,
    /// `{agent}` and `{cookie}` are of the request.
    Content {
        #[serde(default)]
        body: String,
        #[serde(default = "status_ok")]
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The body is compressed for a client that takes this encoding, anew each time; the `ETag` becomes a weak one.
    Compressed { encoding: BodyEncoding },
    /// The body comes in chunks, without its length.
    Chunked,
    /// The body comes in eight parts, with so long between two.
    SlowBody { millis: u64 },
    /// The connection closes in the middle of the body.
    BrokenBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyEncoding {
    Gzip,
    Br,
}

const fn status_ok() -> u16 {
    200
}

const fn status_found() -> u16 {
    302
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
