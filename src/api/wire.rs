//! What goes over the wire of our own API: bodies, answers and problems. The client reads the same types.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to refresh.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobBody {
    /// `purge`, `prefetch` or `refresh` (a purge and, when it is done, a prefetch of the same URLs).
    pub operation: String,
    /// Single objects. `https://h/` is the home page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Everything below. `https://h/` is the whole site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
    /// For directories: `delete` (default) or `invalidate`, which trusts Last-Modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `mainland`, `overseas` or `global`; the domain's own area if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// `urgent`, `normal` (default) or `bulk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// RFC 3339: nothing is sent before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// RFC 3339: what has not been sent by then expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// At most 16, keys of 1 to 64 bytes, values of at most 256.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who asks, in the client's words; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether to look at the edge when the provider is done; true if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    /// The name of a configured receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
}

/// A job as it is now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct JobAnswer {
    pub id: String,
    pub operation: Cow<'static, str>,
    /// `pending`, `running`, `succeeded`, `partial`, `failed`, `cancelled` or `expired`.
    pub status: Cow<'static, str>,
    pub counts: CountsAnswer,
    /// Targets of the body that were equal to another one.
    pub merged: u32,
    /// `none`, `pending`, `fresh`, `stale` or `unknown`.
    pub verification: Cow<'static, str>,
    /// Set while any item is pending.
    pub waiting: Option<WaitingAnswer>,
    /// What is allowed and probably not meant, as it was known when the job was kept; at most 100, and one more that counts
    /// the rest (`more_warnings`). `GET /v1/jobs` lists the first three of each job, or fewer if they are long, and counts the rest
    /// in the same way. A retry has none.
    pub warnings: Vec<WarningAnswer>,
    pub retry_of: Option<String>,
    pub priority: Cow<'static, str>,
    pub labels: BTreeMap<String, String>,
    pub source: Option<String>,
    pub tenant: String,
    pub not_before: Option<String>,
    pub deadline: Option<String>,
    pub created_at: String,
    pub finished_at: Option<String>,
}

/// Items by state.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct CountsAnswer {
    pub total: u32,
    pub pending: u32,
    pub submitted: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub expired: u32,
}

/// Why pending items have not left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitingAnswer {
    pub reason: Cow<'static, str>,
    pub detail: String,
    pub until: Option<String>,
    /// Items that may leave before: an upper bound.
    pub ahead: u64,
}

/// Something about a job that is allowed and probably not meant. It is sent all the same, as it was written.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WarningAnswer {
    /// `unknown_host`: the provider lists no domain for it. `host_not_online`: it does, and not as serving. `same_object`: several
    /// URLs of the job are one cached copy. By the domain's cache key: `query_ignored`, `query_partly_ignored`,
    /// `query_reordered`, `case_ignored`, `scheme_apart`. By spelling alone: `escape_spelling`, `double_slash`,
    /// `slash_after_file`. `more_warnings`: how many are not listed.
    pub code: String,
    /// Ends with what may be meant instead, where there is such a target.
    pub detail: String,
    /// A JSON Pointer into the body; empty: the whole.
    pub pointer: String,
}

/// One target of a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ItemAnswer {
    pub target: String,
    /// `url` or `directory`.
    pub kind: String,
    /// `purge` or `prefetch`.
    pub operation: String,
    pub state: String,
    /// Times sent.
    pub attempts: u32,
    pub task_id: Option<String>,
    pub request_id: Option<String>,
    pub error: Option<ErrorAnswer>,
    pub verification: String,
    /// Why the verification is what it is; null if nobody looked.
    #[serde(default)]
    pub seen: Option<EvidenceAnswer>,
}

/// The last look at a target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EvidenceAnswer {
    pub at: String,
    pub reason: String,
    /// Null if one of the sides could not be looked at; then there are no edges either.
    pub origin: Option<ObservedResponseAnswer>,
    pub edges: Vec<ObservedResponseAnswer>,
}

/// What an edge or the origin answered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ObservedResponseAnswer {
    pub at: String,
    /// Who was asked, as ADDRESS:PORT.
    pub address: Option<String>,
    pub status: u16,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub length: Option<u64>,
    /// The first 16 digits; null if the body is longer than a probe reads.
    pub body_sha256: Option<String>,
    pub content_encoding: Option<String>,
    pub cache_control: Option<String>,
    /// Seconds.
    pub age: Option<u64>,
    /// `X-Cache-Lookup`.
    pub cache: Option<String>,
    /// `X-NWS-LOG-UUID`: what the provider's support asks for.
    pub log_id: Option<String>,
}

/// Why something failed, and what to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    pub class: String,
    pub code: String,
    pub message: String,
    pub advice: String,
}

/// One thing that happened to a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventAnswer {
    /// Grows by every event of the daemon; never used twice.
    pub seq: i64,
    pub at: String,
    pub kind: String,
    pub message: String,
    /// How many items it happened to.
    pub items: Option<u32>,
    /// The daemon's number of the call.
    pub submission: Option<i64>,
    pub task_id: Option<String>,
    pub error: Option<ErrorAnswer>,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ListAnswer<T> {
    pub items: Vec<T>,
    /// Names the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// Which jobs are listed: those that fit every condition.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsQuery {
    pub status: Option<String>,
    pub operation: Option<String>,
    pub host: Option<String>,
    pub target: Option<String>,
    pub label: Option<String>,
    pub source: Option<String>,
    pub tenant: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub task_id: Option<String>,
    pub q: Option<String>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// What went wrong (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProblemAnswer {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    pub detail: String,
    pub request_id: String,
    pub retryable: bool,
    pub retry_after_s: Option<u64>,
    /// Each fault of the body.
    pub errors: Vec<FieldErrorAnswer>,
}

/// One fault of a body.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FieldErrorAnswer {
    /// A JSON Pointer into the body.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// Whether the daemon can do its work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReadyAnswer {
    /// `ready` or `not ready`.
    pub status: String,
    pub version: String,
    /// Accounts that talk to a simulated cloud.
    pub sandbox_accounts: Vec<String>,
    /// Why it is not ready.
    pub problems: Vec<String>,
}
