//! Sends requests to the daemon over HTTP, again if they fail and the policy allows it.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::environment;
use super::retry_policy::RetryPolicy;
use crate::api::wire::ProblemAnswer;
use crate::cli::error::{CliError, ProblemError};
use crate::random::Random;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Long enough to send the longest body (32 MiB) and to have it stored.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct HttpTransport {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    random: Random,
}

impl HttpTransport {
    pub(super) fn from_environment() -> Result<Self, CliError> {
        let base = environment::base_url()?;
        let authorization = environment::authorization()?;
        // Fails if a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            // Tries are counted and announced here.
            .retry(reqwest::retry::never())
            .user_agent(concat!("refreshd/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT);
        if base.scheme() == "http" {
            // Without TLS no root certificates are needed, and a machine may have none.
            builder = builder.tls_certs_only([]);
        }
        let http = builder
            .build()
            .map_err(|error| CliError::Usage(format!("TLS cannot be set up: {}", root_cause(&error))))?;
        Ok(Self { http, base, authorization, random: Random::default() })
    }

    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(super) fn get_with_query(&self, path: &[&str], query: &[(&str, String)]) -> RequestBuilder {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.http.get(url)
    }

    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        policy: RetryPolicy<'_>,
    ) -> Result<(HeaderMap, A), CliError> {
        let (headers, body) = self.send(request, timeout, policy).await?;
        match serde_json::from_slice(&body) {
            Ok(answer) => Ok((headers, answer)),
            Err(error) => Err(CliError::Unreadable { url: self.base.to_string(), why: error.to_string() }),
        }
    }

    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        policy: RetryPolicy<'_>,
    ) -> Result<(HeaderMap, Bytes), CliError> {
        let mut request = request.timeout(timeout);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let (mut tries, mut maybe_executed, mut last_reason) = (0, false, String::new());
        loop {
            tries += 1;
            let request = request.try_clone().expect("the body lies in memory");
            let mut error = match self.send_once(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // If one try may have been executed, the outcome is uncertain whatever the other tries met.
            maybe_executed |= error.maybe_executed();
            if let CliError::Unanswered { sent, .. } = &mut error {
                *sent = maybe_executed;
            }
            let wait =
                policy.wait(tries, &error, self.random.jitter()).filter(|_| policy.idempotent || !maybe_executed);
            let Some(wait) = wait else { return Err(error) };
            let reason = summary(&error);
            if reason != last_reason {
                (policy.announce)(&format!("{reason}; trying again"));
                last_reason = reason;
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<(HeaderMap, Bytes), CliError> {
        let unanswered = |error: &reqwest::Error| CliError::Unanswered {
            url: self.base.to_string(),
            why: root_cause(error),
            sent: !error.is_connect(),
        };
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        if !response.status().is_success() {
            return Err(self.read_refusal(response).await);
        }
        let headers = response.headers().clone();
        Ok((headers, response.bytes().await.map_err(|error| unanswered(&error))?))
    }

    async fn read_refusal(&self, response: Response) -> CliError {
        let status = response.status();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        // The status counts even if the body is lost on the way.
        let body = response.bytes().await.unwrap_or_default();
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

/// The last error of the chain, which names what a person can fix.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn summary(error: &CliError) -> String {
    match error {
        CliError::Unanswered { url, why, .. } => format!("no answer from {url}: {why}"),
        CliError::Refused(refusal) => format!("{} answered {}", refusal.url, refusal.status),
        CliError::Usage(_) | CliError::Unreadable { .. } | CliError::Output(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::environment::parse_base_url;
    use super::*;

    fn transport(base_url: &str) -> HttpTransport {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        HttpTransport {
            http,
            base: parse_base_url(base_url).expect("a base"),
            authorization: None,
            random: Random::default(),
        }
    }

    #[test]
    fn a_base_may_lie_below_a_path() {
        for (base, url) in [
            ("http://127.0.0.1:8470", "http://127.0.0.1:8470/v1/jobs/a%2Fb"),
            ("https://ops.example/refreshd/", "https://ops.example/refreshd/v1/jobs/a%2Fb"),
            ("https://ops.example/refreshd", "https://ops.example/refreshd/v1/jobs/a%2Fb"),
        ] {
            assert_eq!(transport(base).url(&["v1", "jobs", "a/b"]).as_str(), url);
        }
        for wrong in ["127.0.0.1:8470", "ftp://h/", "http://me:secret@h/", "http://h/?a=b", ""] {
            let text = parse_base_url(wrong).expect_err(wrong).to_string();
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
