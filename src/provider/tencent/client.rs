//! One call of API 3.0: signed when sent, bounded in time and size, and told apart by what may have happened to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;
use url::Url;

use super::answer::{self, CallFault, Reply, lost};
use super::codes;
use super::credentials::Credentials;
use super::sign::{Signable, Signature, sign};
use super::skew::Skew;
use super::{Options, SetupFault};
use crate::clock::Clock;
use crate::domain::{ErrorClass, Failure};
use crate::telemetry::chain;

const SERVICE: &str = "cdn";
const VERSION: &str = "2018-06-06";
/// Signed and sent byte for byte.
const JSON: &str = "application/json";
const CLIENT_LABEL: &str = concat!("refreshd-", env!("CARGO_PKG_VERSION"));
/// Largest answer that is read. A page of 100 rows with the longest URLs has under 300 kB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a call waits before it is signed and sent a second time. The caller holds one token of the call rate, and
/// that is free again one second after the first answer ("Request rate limit": 20 calls a second for each action).
const SIGN_AGAIN_AFTER: Duration = Duration::from_millis(1_001);

/// What scheduling may add to a call on a busy machine.
const MARGIN: Duration = Duration::from_secs(28);

/// How long a call may take.
pub(super) struct Patience {
    /// DNS, TCP and TLS.
    pub(super) connect: Duration,
    /// From the first byte to the last of the answer.
    pub(super) total: Duration,
}

impl Patience {
    /// A call that was signed again, and whatever is between the answer and the note of its time.
    pub(super) fn call_max(&self) -> Duration {
        2 * self.total + SIGN_AGAIN_AFTER + MARGIN
    }
}

pub(super) const PATIENCE: Patience = Patience { connect: Duration::from_secs(5), total: Duration::from_secs(30) };

pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    /// As signed and as sent: with the port if it is not the scheme's own.
    host: String,
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    skew: Skew,
}

impl Client {
    pub(super) fn new(options: Options, patience: &Patience) -> Result<Self, SetupFault> {
        let host = signed_host(&options.endpoint)?;
        // Fails if another client came first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            // A second try is a second call, which only the caller may decide on.
            .retry(reqwest::retry::never())
            // With HTTP/1.1 a connection carries one call, so what its end means for the call is certain.
            .http1_only()
            .connect_timeout(patience.connect)
            .timeout(patience.total);
        if options.endpoint.scheme() == "http" {
            // The sandbox needs no certificates, nor a machine that has some.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| SetupFault::Tls(chain(&error)))?;
        let Options { endpoint, credentials, clock } = options;
        Ok(Self { http, endpoint, host, credentials, clock, skew: Skew::default() })
    }

    /// Makes one call, and a second one only if the first was refused for a clock that we can correct.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        action: &'static str,
        parameters: &(impl Serialize + Sync),
    ) -> Result<Reply<A>, CallFault> {
        let body = Bytes::from(serde_json::to_vec(parameters).expect("parameters are texts and numbers"));
        let correction = self.skew.correction();
        let answer = self.send(action, &body, correction).await;
        let clock_refused = matches!(&answer, Err(CallFault::Refused(refusal)) if codes::blames_clock(refusal));
        let learnt = self.skew.correction();
        if !clock_refused || learnt == correction {
            return answer;
        }
        warn!(correction_ms = learnt, "this machine's clock is off; signing with the provider's time");
        self.clock.sleep(SIGN_AGAIN_AFTER).await;
        self.send(action, &body, self.skew.correction()).await
    }

    /// The provider's clock minus ours, in milliseconds.
    pub(super) fn clock_offset(&self) -> i64 {
        self.skew.offset()
    }

    async fn send<A: DeserializeOwned>(
        &self,
        action: &'static str,
        body: &Bytes,
        correction: i64,
    ) -> Result<Reply<A>, CallFault> {
        let timestamp = self.clock.now().as_millis().saturating_add(correction).div_euclid(1000);
        let headers = [("content-type", JSON), ("host", self.host.as_str())];
        let signable = Signable { service: SERVICE, headers: &headers, timestamp, body };
        let signature = sign(self.credentials.secret_id(), self.credentials.secret_key(), &signable);
        let request = self
            .http
            .post(self.endpoint.clone())
            .headers(self.headers(action, timestamp, &signature))
            .body(body.clone());
        let response = request.send().await.map_err(|error| self.transport_fault(error))?;
        self.skew.learn(response.headers(), self.clock.now());
        if response.status() != StatusCode::OK {
            let status = response.status();
            return Err(lost(
                format!("http_{}", status.as_u16()),
                format!("a gateway answered {status}, not the provider's API"),
            ));
        }
        let answer = answer::read(&self.bounded_body(response).await?);
        answer.map_err(|fault| self.without_secrets(fault, &signature))
    }

    fn headers(&self, action: &'static str, timestamp: i64, signature: &Signature) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, visible(&self.host));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert("x-tc-action", HeaderValue::from_static(action));
        headers.insert("x-tc-version", HeaderValue::from_static(VERSION));
        headers.insert("x-tc-timestamp", HeaderValue::from(timestamp));
        headers.insert("x-tc-language", HeaderValue::from_static("en-US"));
        headers.insert("x-tc-requestclient", HeaderValue::from_static(CLIENT_LABEL));
        headers.insert(AUTHORIZATION, secret(&signature.authorization));
        if let Some(token) = self.credentials.token() {
            headers.insert("x-tc-token", secret(token.expose_secret()));
        }
        headers
    }

    /// A message may quote the request: what is secret in it goes no further.
    fn without_secrets(&self, fault: CallFault, signature: &Signature) -> CallFault {
        let CallFault::Refused(mut refusal) = fault else { return fault };
        let mut secrets = vec![signature.hex.as_str(), self.credentials.secret_key().expose_secret()];
        secrets.extend(self.credentials.token().map(ExposeSecret::expose_secret));
        for secret in secrets {
            refusal.message = refusal.message.replace(secret, "[removed]");
        }
        CallFault::Refused(refusal)
    }

    /// Not sent, if the connection was never made; lost in every other case, for bytes may have left.
    ///
    /// hyper itself sends again when a kept connection proves closed, but only a request that it still holds whole.
    fn transport_fault(&self, error: reqwest::Error) -> CallFault {
        let error = error.without_url();
        let message = format!("{}: {}", self.host, chain(&error));
        if error.is_connect() || error.is_builder() {
            return CallFault::NotSent(Failure::new(ErrorClass::Outage, "connect_failed", message));
        }
        lost(if error.is_timeout() { "timeout" } else { "connection_lost" }, message)
    }

    async fn bounded_body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, CallFault> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport_fault(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(lost("answer_too_large", format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn signed_host(endpoint: &Url) -> Result<String, SetupFault> {
    let refused = |reason| Err(SetupFault::Endpoint { endpoint: endpoint.host_str().unwrap_or("").to_owned(), reason });
    let Some(host) = endpoint.host_str().filter(|_| matches!(endpoint.scheme(), "https" | "http")) else {
        return refused("it must begin with https:// (or http:// for a sandbox)");
    };
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return refused("it must not hold a user name or password");
    }
    if endpoint.path() != "/" || endpoint.query().is_some() || endpoint.fragment().is_some() {
        return refused("it must end after the host and port: every call goes to /");
    }
    Ok(endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn visible(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("hosts and credentials are checked when they are taken in")
}

fn secret(text: &str) -> HeaderValue {
    let mut value = visible(text);
    value.set_sensitive(true);
    value
}
