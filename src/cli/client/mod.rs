//! Speaks to a daemon over HTTP. Requests are sent again if they fail: reads and a cancel do no harm by it, a job has its
//! idempotency key, and a retry, which has none, is sent again only if it certainly was not done.

pub(super) mod poll;
pub(super) mod progress;
#[cfg(test)]
mod tests;
pub(super) mod wait;

use std::env;
use std::error::Error;
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{CliError, ProblemError};
use super::output::terminal;
use crate::api::wire::{EventAnswer, ItemAnswer, JobAnswer, JobBody, ListAnswer, ProblemAnswer};
use crate::clock::jitter;
use crate::domain::Backoff;

const URL_DEFAULT: &str = "http://127.0.0.1:8470";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For sending the longest body (32 MiB) and having it put on disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), max: Duration::from_secs(5) };
/// A daemon that asks for more than this is not waited for: whoever called can decide better.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Rows on a page (CONTRACT §1, "Limits").
pub(super) const PAGE_ROWS: u32 = 500;

pub(super) struct ApiClient {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

/// How often a request is sent at most, and who hears of another try.
#[derive(Clone, Copy)]
pub(super) struct RetryPolicy<'a> {
    pub(super) tries_max: u32,
    pub(super) message: &'a dyn Fn(&str),
    /// Whether sending twice what was done already does no harm.
    pub(super) harmless: bool,
}

impl<'a> RetryPolicy<'a> {
    /// For requests that may be done twice.
    pub(super) fn of(tries_max: u32, message: &'a dyn Fn(&str)) -> Self {
        Self { tries_max, message, harmless: true }
    }
}

const INTERACTIVE: RetryPolicy<'_> =
    RetryPolicy { tries_max: RetryPolicy::TRIES, message: &terminal::note, harmless: true };

impl RetryPolicy<'_> {
    /// Some 3 seconds: a daemon that restarts is waited for, and so is somebody at a prompt.
    pub(super) const TRIES: u32 = 6;
    /// About a minute: the job is kept, and only looking at it is interrupted.
    pub(super) const TRIES_FOLLOWING: u32 = 24;

    /// The wait before another try; `None`: there is none.
    fn wait(&self, tries: u32, fault: &CliError, jitter: f64) -> Option<Duration> {
        if tries >= self.tries_max || !fault.may_pass() {
            return None;
        }
        let duration = fault.retry_after().unwrap_or_default();
        (duration <= RETRY_AFTER_MAX).then(|| BACKOFF.wait(tries, jitter).max(duration))
    }
}

/// A job that a daemon has put on disk.
pub(super) struct SubmissionReceipt {
    pub(super) job: JobAnswer,
    /// The key had named this job before.
    pub(super) replayed: bool,
}

impl ApiClient {
    /// A client of the daemon that the environment names.
    pub(super) fn from_environment() -> Result<Self, CliError> {
        let base = base(&variable("REFRESHD_URL")?.unwrap_or_else(|| URL_DEFAULT.to_owned()))?;
        let authorization = token()?.map(|token| authorization(&token)).transpose()?;
        // Fails if another client came first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            // Tries are counted and told of here.
            .retry(reqwest::retry::never())
            .user_agent(concat!("refreshd/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT);
        if base.scheme() == "http" {
            // Without TLS no certificates are needed, nor a machine that has some.
            builder = builder.tls_certs_only([]);
        }
        let http =
            builder.build().map_err(|error| CliError::Usage(format!("TLS cannot be set up: {}", root(&error))))?;
        Ok(Self { http, base, authorization })
    }

    pub(super) async fn submit(
        &self,
        body: &JobBody,
        key: &str,
        patience: RetryPolicy<'_>,
    ) -> Result<SubmissionReceipt, CliError> {
        let json = serde_json::to_vec(body).expect("a body is texts and lists of texts");
        let request = self.http.post(self.url(&["v1", "jobs"])).header(CONTENT_TYPE, "application/json");
        let request = request.header("idempotency-key", key).body(json);
        let (headers, job) = self.call(request, ANSWER_TIMEOUT, patience).await?;
        Ok(SubmissionReceipt {
            job,
            replayed: headers.get("idempotency-replayed").is_some_and(|value| value == "true"),
        })
    }

    /// Whatever stands at a path, whole.
    pub(super) async fn read<A: DeserializeOwned>(&self, path: &[&str]) -> Result<A, CliError> {
        Ok(self.call(self.http.get(self.url(path)), ANSWER_TIMEOUT, INTERACTIVE).await?.1)
    }

    /// Asks for what does no harm if it is done twice.
    pub(super) async fn ask<A: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<A, CliError> {
        let json = serde_json::to_vec(body).expect("a body is texts and lists of texts");
        let request = self.http.post(self.url(path)).header(CONTENT_TYPE, "application/json").body(json);
        Ok(self.call(request, ANSWER_TIMEOUT, INTERACTIVE).await?.1)
    }

    /// What stands at a path as it is.
    pub(super) async fn file(&self, path: &[&str]) -> Result<Bytes, CliError> {
        Ok(self.sent(self.http.get(self.url(path)), ANSWER_TIMEOUT, INTERACTIVE).await?.1)
    }

    /// The job as it is now, or as soon as it is final within `wait`.
    pub(super) async fn job(&self, id: &str, wait: Duration, patience: RetryPolicy<'_>) -> Result<JobAnswer, CliError> {
        let mut request = self.http.get(self.url(&["v1", "jobs", id]));
        if !wait.is_zero() {
            request = request.header("prefer", format!("wait={}", wait.as_secs()));
        }
        Ok(self.call(request, ANSWER_TIMEOUT + wait, patience).await?.1)
    }

    pub(super) async fn items(
        &self,
        id: &str,
        cursor: Option<&str>,
        patience: RetryPolicy<'_>,
    ) -> Result<ListAnswer<ItemAnswer>, CliError> {
        self.page(&["v1", "jobs", id, "items"], &[], PAGE_ROWS, cursor, patience).await
    }

    pub(super) async fn events(
        &self,
        id: &str,
        cursor: Option<&str>,
        patience: RetryPolicy<'_>,
    ) -> Result<ListAnswer<EventAnswer>, CliError> {
        self.page(&["v1", "jobs", id, "events"], &[], PAGE_ROWS, cursor, patience).await
    }

    /// Jobs that fit all of `conditions`, as `GET /v1/jobs` names them.
    pub(super) async fn jobs(
        &self,
        conditions: &[(&str, String)],
        rows: u32,
        cursor: Option<&str>,
        patience: RetryPolicy<'_>,
    ) -> Result<ListAnswer<JobAnswer>, CliError> {
        self.page(&["v1", "jobs"], conditions, rows, cursor, patience).await
    }

    pub(super) async fn cancel(&self, id: &str, patience: RetryPolicy<'_>) -> Result<JobAnswer, CliError> {
        let request = self.http.post(self.url(&["v1", "jobs", id, "cancel"]));
        Ok(self.call(request, ANSWER_TIMEOUT, patience).await?.1)
    }

    /// The new job.
    pub(super) async fn retry(&self, id: &str, patience: RetryPolicy<'_>) -> Result<JobAnswer, CliError> {
        let request = self.http.post(self.url(&["v1", "jobs", id, "retry"]));
        Ok(self.call(request, ANSWER_TIMEOUT, RetryPolicy { harmless: false, ..patience }).await?.1)
    }

    async fn page<A: DeserializeOwned>(
        &self,
        path: &[&str],
        conditions: &[(&str, String)],
        rows: u32,
        cursor: Option<&str>,
        patience: RetryPolicy<'_>,
    ) -> Result<ListAnswer<A>, CliError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(conditions).append_pair("limit", &rows.to_string());
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        Ok(self.call(self.http.get(url), ANSWER_TIMEOUT, patience).await?.1)
    }

    async fn call<A: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        patience: RetryPolicy<'_>,
    ) -> Result<(HeaderMap, A), CliError> {
        let (headers, body) = self.sent(request, timeout, patience).await?;
        match serde_json::from_slice(&body) {
            Ok(parsed) => Ok((headers, parsed)),
            Err(error) => Err(CliError::Unreadable { url: self.base.to_string(), why: error.to_string() }),
        }
    }

    async fn sent(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        patience: RetryPolicy<'_>,
    ) -> Result<(HeaderMap, Bytes), CliError> {
        let mut request = request.timeout(timeout);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let (mut tries, mut doubtful, mut text) = (0, false, String::new());
        loop {
            tries += 1;
            let request = request.try_clone().expect("the body lies in memory");
            let mut fault = match self.once(request).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            // One try that may have arrived is enough for doubt, whatever became of the others.
            doubtful |= fault.maybe_executed();
            if let CliError::Unanswered { sent, .. } = &mut fault {
                *sent = doubtful;
            }
            let wait = patience.wait(tries, &fault, jitter()).filter(|_| patience.harmless || !doubtful);
            let Some(wait) = wait else { return Err(fault) };
            let reason = brief(&fault);
            if reason != text {
                (patience.message)(&format!("{reason}; trying again"));
                text = reason;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, request: RequestBuilder) -> Result<(HeaderMap, Bytes), CliError> {
        let unanswered = |error: &reqwest::Error| CliError::Unanswered {
            url: self.base.to_string(),
            why: root(error),
            sent: !error.is_connect(),
        };
        let answer = request.send().await.map_err(|error| unanswered(&error))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let headers = answer.headers().clone();
        Ok((headers, answer.bytes().await.map_err(|error| unanswered(&error))?))
    }

    async fn refused(&self, answer: Response) -> CliError {
        let status = answer.status();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // A refusal stands even if its words are lost on the way.
        let body = answer.bytes().await.unwrap_or_default();
        let problem: Option<ProblemAnswer> = serde_json::from_slice(&body).ok();
        let seconds = seconds.or_else(|| problem.as_ref()?.retry_after_s);
        CliError::Refused(Box::new(ProblemError {
            url: self.base.to_string(),
            status,
            problem,
            retry_after: seconds.map(Duration::from_secs),
            token_was_sent: self.authorization.is_some(),
        }))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        url
    }
}

/// An empty variable is an unset one: scripts cannot always tell them apart.
fn variable(name: &str) -> Result<Option<String>, CliError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(CliError::Usage(format!("{name} is not UTF-8"))),
    }
}

/// A daemon's address, which may lie below a path of a proxy's.
fn base(text: &str) -> Result<Url, CliError> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    let url = Url::parse(text).ok().filter(plain);
    // What was written is not repeated: it may hold a password.
    url.ok_or_else(|| {
        CliError::Usage(format!("REFRESHD_URL is no address of a daemon; write one such as {URL_DEFAULT}"))
    })
}

fn token() -> Result<Option<String>, CliError> {
    if let Some(token) = variable("REFRESHD_TOKEN")? {
        return Ok(Some(token));
    }
    let Some(path) = variable("REFRESHD_TOKEN_FILE")? else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(token) => Ok(Some(token)),
        Err(error) => Err(CliError::Usage(format!("REFRESHD_TOKEN_FILE: {path} cannot be read: {error}"))),
    }
}

fn authorization(token: &str) -> Result<HeaderValue, CliError> {
    let token = token.trim_ascii();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = fits.then(|| HeaderValue::try_from(format!("Bearer {token}")).ok()).flatten();
    let mut value = value.ok_or_else(|| {
        CliError::Usage(
            "the token in REFRESHD_TOKEN or REFRESHD_TOKEN_FILE is none: it has one word of ASCII".to_owned(),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The last cause of a chain, which is the one that a person can mend.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn brief(fault: &CliError) -> String {
    match fault {
        CliError::Unanswered { url, why, .. } => format!("no answer from {url}: {why}"),
        CliError::Refused(refused) => format!("{} answered {}", refused.url, refused.status),
        CliError::Usage(_) | CliError::Unreadable { .. } | CliError::Output(_) => fault.to_string(),
    }
}
