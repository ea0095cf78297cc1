//! The daemon's API: one method for each endpoint that the commands call. Failed requests are sent again: reads and a
//! cancel may be executed twice, a job has its idempotency key, and a retry of a job, which has none, is sent again only
//! if it certainly was not executed.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::retry_policy::RetryPolicy;
use super::transport::{ANSWER_TIMEOUT, HttpTransport};
use crate::api::wire::{EventAnswer, ItemAnswer, JobAnswer, JobBody, ListAnswer};
use crate::cli::error::CliError;

/// Rows on a page.
pub(crate) const PAGE_ROWS: u32 = 500;

pub(crate) struct ApiClient {
    transport: HttpTransport,
}

/// A job that the daemon has stored.
pub(crate) struct SubmissionReceipt {
    pub(crate) job: JobAnswer,
    /// The idempotency key belongs to this earlier job.
    pub(crate) replayed: bool,
}

impl ApiClient {
    /// A client of the daemon that the environment names.
    pub(crate) fn from_environment() -> Result<Self, CliError> {
        Ok(Self { transport: HttpTransport::from_environment()? })
    }

    pub(crate) async fn submit(&self, body: &JobBody, key: &str) -> Result<SubmissionReceipt, CliError> {
        let request = self.transport.request(Method::POST, &["v1", "jobs"]).header(CONTENT_TYPE, "application/json");
        let request = request.header("idempotency-key", key).body(to_json(body));
        let (headers, job) = self.transport.call(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?;
        let replayed = headers.get("idempotency-replayed").is_some_and(|value| value == "true");
        Ok(SubmissionReceipt { job, replayed })
    }

    pub(crate) async fn get<A: DeserializeOwned>(&self, path: &[&str]) -> Result<A, CliError> {
        let request = self.transport.request(Method::GET, path);
        Ok(self.transport.call(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?.1)
    }

    /// Only for requests that may be executed twice.
    pub(crate) async fn post<A: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<A, CliError> {
        let request = self.transport.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        Ok(self.transport.call(request.body(to_json(body)), ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?.1)
    }

    /// The bytes at a path, unparsed.
    pub(crate) async fn download(&self, path: &[&str]) -> Result<Bytes, CliError> {
        let request = self.transport.request(Method::GET, path);
        Ok(self.transport.send(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?.1)
    }

    pub(crate) async fn job(&self, id: &str) -> Result<JobAnswer, CliError> {
        self.get(&["v1", "jobs", id]).await
    }

    /// The job as soon as it is final, or as it is after `wait`.
    pub(super) async fn await_job(
        &self,
        id: &str,
        wait: Duration,
        policy: RetryPolicy<'_>,
    ) -> Result<JobAnswer, CliError> {
        let request = self.transport.request(Method::GET, &["v1", "jobs", id]);
        let request = request.header("prefer", format!("wait={}", wait.as_secs()));
        Ok(self.transport.call(request, ANSWER_TIMEOUT + wait, policy).await?.1)
    }

    pub(crate) async fn items(&self, id: &str, cursor: Option<&str>) -> Result<ListAnswer<ItemAnswer>, CliError> {
        self.page(&["v1", "jobs", id, "items"], &[], PAGE_ROWS, cursor).await
    }

    pub(crate) async fn events(&self, id: &str, cursor: Option<&str>) -> Result<ListAnswer<EventAnswer>, CliError> {
        self.page(&["v1", "jobs", id, "events"], &[], PAGE_ROWS, cursor).await
    }

    /// Jobs that match all `conditions`, which are query parameters of `GET /v1/jobs`.
    pub(crate) async fn jobs(
        &self,
        conditions: &[(&str, String)],
        rows: u32,
        cursor: Option<&str>,
    ) -> Result<ListAnswer<JobAnswer>, CliError> {
        self.page(&["v1", "jobs"], conditions, rows, cursor).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<JobAnswer, CliError> {
        let request = self.transport.request(Method::POST, &["v1", "jobs", id, "cancel"]);
        Ok(self.transport.call(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?.1)
    }

    /// The new job.
    pub(crate) async fn retry(&self, id: &str) -> Result<JobAnswer, CliError> {
        let request = self.transport.request(Method::POST, &["v1", "jobs", id, "retry"]);
        Ok(self.transport.call(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE.once_at_most()).await?.1)
    }

    async fn page<A: DeserializeOwned>(
        &self,
        path: &[&str],
        conditions: &[(&str, String)],
        rows: u32,
        cursor: Option<&str>,
    ) -> Result<ListAnswer<A>, CliError> {
        let mut query = conditions.to_vec();
        query.push(("limit", rows.to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let request = self.transport.get_with_query(path, &query);
        Ok(self.transport.call(request, ANSWER_TIMEOUT, RetryPolicy::INTERACTIVE).await?.1)
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("a body is texts and lists of texts")
}
