//! What is set from outside to go wrong between a question of HTTP and its answer, at origin or edge.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault of one host's server. The first that fits counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRule {
    pub at: FaultySide,
    /// The domain, or the Host that its origin is asked with.
    pub host: String,
    /// Only paths that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only clients whose `User-Agent` contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    pub fault: AnswerFault,
}

impl AnswerRule {
    #[must_use]
    pub fn new(at: FaultySide, host: impl Into<String>, fault: AnswerFault) -> Self {
        Self { at, host: host.into(), path: None, user_agent: None, fault }
    }

    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    #[must_use]
    pub fn user_agent(self, part: impl Into<String>) -> Self {
        Self { user_agent: Some(part.into()), ..self }
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
}

const fn status_found() -> u16 {
    302
}

impl AnswerFault {
    pub(crate) fn delay(&self) -> Duration {
        if let Self::Slow { millis } = self { Duration::from_millis(*millis) } else { Duration::ZERO }
    }
}
