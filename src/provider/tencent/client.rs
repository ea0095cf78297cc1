//! One call of API 3.0: signed when sent, bounded in time and size, and told apart by what may have happened to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, StatusCode};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;
use url::Url;

use super::credentials::{CredentialProvider, Credentials};
use super::error_codes;
use super::options::{SetupError, TencentOptions};
use super::response;
use super::response::{ApiReply, CallError, TencentError, lost};
use super::sign::{Signable, Signature, sign};
use super::skew::Skew;
use crate::clock::Clock;
use crate::domain::{ErrorClass, Failure, Timestamp};
use crate::telemetry::error_chain;

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

/// What fetching keys and a busy machine may add to a call.
const MARGIN: Duration = Duration::from_secs(28);

/// How long a call may take.
pub(super) struct CallTimeouts {
    /// DNS, TCP and TLS.
    pub(super) connect: Duration,
    /// From the first byte to the last of the answer.
    pub(super) total: Duration,
}

impl CallTimeouts {
    /// A call that was signed again, and whatever is between the answer and the note of its time.
    pub(super) fn call_max(&self) -> Duration {
        2 * self.total + SIGN_AGAIN_AFTER + MARGIN
    }
}

pub(super) const TIMEOUTS: CallTimeouts =
    CallTimeouts { connect: Duration::from_secs(5), total: Duration::from_secs(30) };

pub(super) struct TencentClient {
    http: reqwest::Client,
    endpoint: Url,
    /// As signed and as sent: with the port if it is not the scheme's own.
    host: String,
    keys: CredentialProvider,
    clock: Arc<dyn Clock>,
    skew: Skew,
    /// What is answered without a network.
    #[cfg(any(test, fuzzing))]
    pub(super) replies: Option<super::fuzzing::ScriptedReplies>,
}

impl TencentClient {
    pub(super) fn new(
        options: TencentOptions,
        timeouts: &CallTimeouts,
        trusted: Vec<Certificate>,
    ) -> Result<Self, SetupError> {
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
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total);
        // The sandbox needs no certificates, nor a machine that has some.
        if options.endpoint.scheme() == "http" || !trusted.is_empty() {
            builder = builder.tls_certs_only(trusted);
        }
        let http = builder.build().map_err(|error| SetupError::Tls(error_chain(&error)))?;
        let TencentOptions { endpoint, keys, clock } = options;
        Ok(Self {
            http,
            endpoint,
            host,
            keys,
            clock,
            skew: Skew::default(),
            #[cfg(any(test, fuzzing))]
            replies: None,
        })
    }

    /// Makes one call, and a second one only if the first was refused for a clock that we can correct or a key pair that we
    /// can renew.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        action: &'static str,
        parameters: &(impl Serialize + Sync),
    ) -> Result<ApiReply<A>, CallError> {
        let body = Bytes::from(serde_json::to_vec(parameters).expect("parameters are texts and numbers"));
        let correction = self.skew.correction();
        let pair = self.keys.current(self.corrected_now(correction)).await.map_err(CallError::NotSent)?;
        let response = self.send(action, &body, &pair, correction).await;
        let Err(CallError::Refused(refusal)) = &response else { return response };
        let Some(pair) = self.credentials_to_retry_with(refusal, pair, correction).await else { return response };
        self.clock.sleep(SIGN_AGAIN_AFTER).await;
        self.send(action, &body, &pair, self.skew.correction()).await
    }

    /// What to sign with again, if something has changed that the refusal blames.
    async fn credentials_to_retry_with(
        &self,
        refusal: &TencentError,
        pair: Arc<Credentials>,
        correction: i64,
    ) -> Option<Arc<Credentials>> {
        let new_correction = self.skew.correction();
        if error_codes::blames_clock(refusal) && new_correction != correction {
            warn!(correction_ms = new_correction, "this machine's clock is off; signing with the provider's time");
            return Some(pair);
        }
        if error_codes::blames_key(refusal) {
            return self.keys.renewed(&pair, self.corrected_now(new_correction)).await;
        }
        None
    }

    /// The provider's time, as far as it is known.
    fn corrected_now(&self, correction: i64) -> Timestamp {
        Timestamp::from_millis(self.clock.now().as_millis().saturating_add(correction))
    }

    /// The provider's clock minus ours, in milliseconds.
    pub(super) fn clock_offset(&self) -> i64 {
        self.skew.offset()
    }

    /// The same; none: no answer has told it.
    pub(super) fn skew_millis(&self) -> Option<i64> {
        self.skew.millis()
    }

    /// A call as it would be sent now, without what it is signed with.
    pub(super) fn sample(&self, action: &str, body: &str) -> String {
        let timestamp = self.corrected_now(self.skew.correction()).as_secs();
        format!(
            "POST {endpoint}\nHost: {host}\nContent-Type: {JSON}\nX-TC-Action: {action}\nX-TC-Version: {VERSION}\n\
             X-TC-Timestamp: {timestamp}\nX-TC-Language: en-US\nX-TC-RequestClient: {CLIENT_LABEL}\n\
             Authorization: TC3-HMAC-SHA256 (left out)\n\n{body}\n",
            endpoint = self.endpoint,
            host = self.host,
        )
    }

    async fn send<A: DeserializeOwned>(
        &self,
        action: &'static str,
        body: &Bytes,
        pair: &Credentials,
        correction: i64,
    ) -> Result<ApiReply<A>, CallError> {
        #[cfg(any(test, fuzzing))]
        if let Some(replies) = &self.replies {
            return response::read(&replies.next()?);
        }
        let timestamp = self.corrected_now(correction).as_secs();
        let headers = [("content-type", JSON), ("host", self.host.as_str())];
        let signable = Signable { service: SERVICE, headers: &headers, timestamp, body };
        let signature = sign(pair.secret_id(), pair.secret_key(), &signable);
        let request = self
            .http
            .post(self.endpoint.clone())
            .headers(self.headers(action, timestamp, pair, &signature))
            .body(body.clone());
        let response = request.send().await.map_err(|error| self.transport_error(error))?;
        if response.status() != StatusCode::OK {
            let status = response.status();
            return Err(lost(
                format!("http_{}", status.as_u16()),
                format!("a gateway answered {status}, not the provider's API"),
            ));
        }
        // Only the API's own clock counts, not that of a gateway before it.
        self.skew.update(response.headers(), self.clock.now());
        let reply = response::read(&self.bounded_body(response).await?);
        reply.map_err(|error| without_secrets(error, pair, &signature))
    }

    fn headers(&self, action: &'static str, timestamp: i64, pair: &Credentials, signature: &Signature) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, header_value(&self.host));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert("x-tc-action", HeaderValue::from_static(action));
        headers.insert("x-tc-version", HeaderValue::from_static(VERSION));
        headers.insert("x-tc-timestamp", HeaderValue::from(timestamp));
        headers.insert("x-tc-language", HeaderValue::from_static("en-US"));
        headers.insert("x-tc-requestclient", HeaderValue::from_static(CLIENT_LABEL));
        headers.insert(AUTHORIZATION, sensitive_header(&signature.authorization));
        if let Some(token) = pair.token() {
            headers.insert("x-tc-token", sensitive_header(token.expose_secret()));
        }
        headers
    }

    /// Not sent, if the connection was never made; lost in every other case, for bytes may have left.
    ///
    /// hyper itself sends again when a kept connection proves closed, but only a request that it still holds whole.
    fn transport_error(&self, error: reqwest::Error) -> CallError {
        let error = error.without_url();
        let message = format!("{}: {}", self.host, error_chain(&error));
        if error.is_connect() || error.is_builder() {
            return CallError::NotSent(Failure::new(ErrorClass::Outage, "connect_failed", message));
        }
        lost(if error.is_timeout() { "timeout" } else { "connection_lost" }, message)
    }

    async fn bounded_body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport_error(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(lost("answer_too_large", format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn signed_host(endpoint: &Url) -> Result<String, SetupError> {
    let unusable =
        |reason| Err(SetupError::Endpoint { endpoint: endpoint.host_str().unwrap_or("").to_owned(), reason });
    let Some(host) = endpoint.host_str().filter(|_| matches!(endpoint.scheme(), "https" | "http")) else {
        return unusable("it must begin with https:// (or http:// for a sandbox)");
    };
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return unusable("it must not hold a user name or password");
    }
    if endpoint.path() != "/" || endpoint.query().is_some() || endpoint.fragment().is_some() {
        return unusable("it must end after the host and port: every call goes to /");
    }
    Ok(endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A message may quote the request: what is secret in it goes no further.
fn without_secrets(error: CallError, pair: &Credentials, signature: &Signature) -> CallError {
    let CallError::Refused(mut refusal) = error else { return error };
    let mut secrets = vec![signature.hex.as_str(), pair.secret_key().expose_secret()];
    secrets.extend(pair.token().map(ExposeSecret::expose_secret));
    for secret in secrets {
        refusal.message = refusal.message.replace(secret, "[removed]");
    }
    CallError::Refused(refusal)
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("hosts and credentials are checked when they are taken in")
}

fn sensitive_header(text: &str) -> HeaderValue {
    let mut value = header_value(text);
    value.set_sensitive(true);
    value
}
