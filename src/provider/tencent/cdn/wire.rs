//! The bodies of the CDN actions, as the provider writes them. A field it does not know is an error to it
//! (`UnknownParameter`), so what is not asked for is not sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UrlsRequest<'a> {
    pub(super) urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) area: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PathsRequest<'a> {
    pub(super) paths: Vec<&'a str>,
    pub(super) flush_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) area: Option<&'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubmitResponse {
    pub(super) task_id: Option<String>,
}

/// Asks for rows by task, or by window.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keyword: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purge_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryPage {
    pub(super) total_count: Option<u64>,
    #[serde(alias = "PushLogs")]
    pub(super) purge_logs: Option<Vec<HistoryRow>>,
}

/// One URL of one task, perhaps of one area.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryRow {
    pub(super) task_id: Option<String>,
    pub(super) url: Option<String>,
    pub(super) status: Option<String>,
    pub(super) create_time: Option<String>,
}

#[derive(Serialize)]
pub(super) struct NoParameters {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct QuotaResponse {
    pub(super) url_purge: Option<Vec<AreaQuota>>,
    pub(super) path_purge: Option<Vec<AreaQuota>>,
    pub(super) url_push: Option<Vec<AreaQuota>>,
}

/// Signed, because what is left may be below nothing after a quota was lowered.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AreaQuota {
    pub(super) area: Option<String>,
    pub(super) batch: Option<i64>,
    pub(super) total: Option<i64>,
    pub(super) available: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DomainsRequest<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) filters: &'a [DomainFilter<'a>],
    pub(super) offset: u64,
    pub(super) limit: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DomainFilter<'a> {
    pub(super) name: &'static str,
    pub(super) value: &'a [String],
    pub(super) fuzzy: bool,
}

/// Rows stay as they came: a domain has hundreds of fields, and most of them may be null.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DomainsPage {
    pub(super) domains: Option<Vec<Value>>,
    pub(super) total_number: Option<u64>,
}
