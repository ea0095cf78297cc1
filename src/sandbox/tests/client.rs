//! A running sandbox under a manual clock, and a client that signs by its own few lines.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, ManualClock};
use crate::domain::Timestamp;
use crate::sandbox::{Credential, Sandbox, SandboxOptions, start};

/// 2026-11-22 04:00:00 UTC, noon at UTC+8.
pub(super) const NOON: Timestamp = Timestamp::from_millis(1_795_320_000_000);

pub(super) struct TestClient {
    pub(super) sandbox: Sandbox,
    pub(super) clock: ManualClock,
    pub(super) credential: Credential,
    pub(super) http: reqwest::Client,
}

impl TestClient {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        // The second test to come here finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = ManualClock::new(NOON);
        let mut options = SandboxOptions::new(Arc::new(clock.clone()));
        change(&mut options);
        let credential = options.credentials[0].clone();
        let sandbox = start(options, CancellationToken::new()).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { sandbox, clock, credential, http }
    }

    pub(super) fn request(&self, action: &str, params: &Value) -> reqwest::RequestBuilder {
        let body = params.to_string();
        let host = self.sandbox.addresses.api.to_string();
        let seconds = self.clock.now().as_secs();
        let authorization = sign(&self.credential, &host, seconds, body.as_bytes());
        self.http
            .post(format!("http://{host}/"))
            .header("content-type", "application/json")
            .header("authorization", authorization)
            .header("x-tc-action", action)
            .header("x-tc-version", "2018-06-06")
            .header("x-tc-timestamp", seconds.to_string())
            .body(body)
    }

    pub(super) async fn send(&self, action: &str, params: Value) -> Result<Response, reqwest::Error> {
        self.request(action, &params).send().await
    }

    /// The `Response` of the envelope.
    pub(super) async fn call(&self, action: &str, params: Value) -> Value {
        envelope(self.send(action, params).await.unwrap()).await
    }

    /// The error code of a call, or an empty text.
    pub(super) async fn code(&self, action: &str, params: Value) -> String {
        code(&self.call(action, params).await)
    }

    /// Submits and returns the task id.
    pub(super) async fn submit(&self, action: &str, params: Value) -> String {
        let answer = self.call(action, params).await;
        answer["TaskId"].as_str().unwrap_or_else(|| panic!("no task: {answer}")).to_owned()
    }

    /// Lets every task made so far end.
    pub(super) fn pass_task_time(&self) {
        self.clock.advance(Duration::from_secs(3));
    }

    pub(super) async fn edge(&self, host: &str, path: &str) -> TestPage {
        let url = format!("http://{}{path}", self.sandbox.addresses.edge);
        TestPage::read(self.http.get(url).header("host", host).send().await.unwrap()).await
    }

    pub(super) async fn control(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}/control/{path}", self.sandbox.addresses.control);
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(json!(text)))
    }
}

pub(super) struct TestPage {
    pub(super) status: u16,
    pub(super) lookup: String,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: String,
}

impl TestPage {
    pub(super) async fn read(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let lookup = headers.get("x-cache-lookup").map_or("", |value| value.to_str().unwrap()).to_owned();
        Self { status, lookup, headers, body: answer.text().await.unwrap() }
    }

    /// Status, cache verdict and body in one look.
    pub(super) fn seen(&self) -> (u16, &str, &str) {
        (self.status, &self.lookup, &self.body)
    }
}

pub(super) async fn envelope(answer: Response) -> Value {
    assert_eq!(answer.status(), 200);
    let mut body: Value = answer.json().await.unwrap();
    let response = body["Response"].take();
    assert!(response["RequestId"].is_string(), "{response}");
    response
}

pub(super) fn code(response: &Value) -> String {
    response["Error"]["Code"].as_str().unwrap_or("").to_owned()
}

pub(super) fn sign(credential: &Credential, host: &str, seconds: i64, body: &[u8]) -> String {
    let date = jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%d").to_string();
    let names = "content-type;host";
    let payload = hex(&Sha256::digest(body));
    let canonical = format!("POST\n/\n\ncontent-type:application/json\nhost:{host}\n\n{names}\n{payload}");
    let scope = format!("{date}/cdn/tc3_request");
    let to_sign = format!("TC3-HMAC-SHA256\n{seconds}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut key = format!("TC3{}", credential.secret_key).into_bytes();
    for part in [date.as_str(), "cdn", "tc3_request"] {
        key = hmac(&key, part);
    }
    let signature = hex(&hmac(&key, &to_sign));
    let id = &credential.secret_id;
    format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
