//! A tiny HTTP/1.1 server for tests that does what its script says, action by action, and remembers what it was sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Certificate;
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::{Clock, ManualClock};
use crate::domain::Timestamp;
use crate::provider::tencent::client::CallTimeouts;
use crate::provider::tencent::{CredentialProvider, Credentials, TencentCdn, TencentOptions};
use crate::provider::{ApiAction, CallLimiter};

/// 2026-11-22 16:00:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_363_200_000);

pub(crate) enum ServerAction {
    /// Answers 200 with a body, and keeps the connection.
    Answer(String),
    /// Answers with these very bytes, then closes.
    Raw(String),
    /// Closes a new connection before anything is read.
    CloseAtOnce,
    /// Closes once the request was read.
    CloseAfterRequest,
    /// Answers properly, then closes, although it promised to keep the connection.
    AnswerAndClose(String),
    /// Refuses, and quotes the request's secret headers in its message.
    Quote,
    /// Sends a body that never ends.
    Endless,
    /// Sends a head that never ends.
    EndlessHead,
    /// Reads the request and says nothing.
    Silence,
    /// Sends a proper answer, but a byte at a time with this pause between.
    Drip(Duration),
    /// Resets a new connection before anything is read.
    ResetAtOnce,
    /// Resets once so many bytes of the request were read.
    ResetAfter(usize),
    /// Sends the head, then nothing more.
    Stall,
}

/// An answer as the provider writes it, around `fields` (which begin with a comma unless empty).
pub(crate) fn ok(fields: &str) -> ServerAction {
    ServerAction::Answer(format!(r#"{{"Response":{{"RequestId":"req-1"{fields}}}}}"#))
}

pub(crate) fn refused(code: &str) -> ServerAction {
    ok(&format!(r#","Error":{{"Code":"{code}","Message":"no"}}"#))
}

#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(text, _)| text.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) address: String,
    actions: Arc<Mutex<VecDeque<ServerAction>>>,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
    /// Bytes sent by actions without an end.
    pub(crate) poured: Arc<AtomicU64>,
}

impl Script {
    pub(crate) async fn start(actions: impl IntoIterator<Item = ServerAction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let script = Self {
            address,
            actions: Arc::new(Mutex::new(actions.into_iter().collect())),
            requests: Arc::default(),
            poured: Arc::default(),
        };
        let server = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match server.early() {
                    None => drop(tokio::spawn(server.clone().serve(stream))),
                    Some(ServerAction::CloseAtOnce) => {}
                    Some(action) => drop(tokio::spawn(reset(stream, action))),
                }
            }
        });
        script
    }

    /// The next action, if it does not wait for the request.
    fn early(&self) -> Option<ServerAction> {
        let mut actions = self.actions.lock().expect("actions");
        let is_early = matches!(
            actions.front(),
            Some(ServerAction::CloseAtOnce | ServerAction::ResetAtOnce | ServerAction::ResetAfter(_))
        );
        if is_early { actions.pop_front() } else { None }
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().expect("request").clone()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.body).collect()
    }

    /// Acts that were not played.
    pub(crate) fn remaining(&self) -> usize {
        self.actions.lock().expect("actions").len()
    }

    pub(crate) fn client(&self) -> TencentCdn {
        client(&self.endpoint(), Duration::from_secs(20))
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/", self.address)
    }

    async fn pour(&self, mut stream: TcpStream, chunk: &[u8]) {
        while stream.write_all(chunk).await.is_ok() {
            self.poured.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(request) = request(&mut stream).await {
            self.requests.lock().expect("request").push(request.clone());
            let action = self.actions.lock().expect("actions").pop_front();
            let answer = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            match action.expect("the script has an action for every request") {
                ServerAction::Answer(body) => stream.write_all(answer(&body).as_bytes()).await.expect("write"),
                ServerAction::Raw(bytes) => return stream.write_all(bytes.as_bytes()).await.expect("write"),
                ServerAction::AnswerAndClose(body) => {
                    return stream.write_all(answer(&body).as_bytes()).await.expect("write");
                }
                ServerAction::CloseAtOnce | ServerAction::ResetAtOnce | ServerAction::ResetAfter(_) => {
                    panic!("this action is for new connections")
                }
                ServerAction::CloseAfterRequest => return,
                ServerAction::Quote => {
                    let quoted =
                        [request.header("authorization"), request.header("x-tc-token")].map(Option::unwrap_or_default);
                    let error =
                        format!(r#"{{"Code":"AuthFailure.SignatureFailure","Message":"{}"}}"#, quoted.join(" "));
                    let body = format!(r#"{{"Response":{{"RequestId":"req-1","Error":{error}}}}}"#);
                    stream.write_all(answer(&body).as_bytes()).await.expect("write");
                }
                ServerAction::Endless => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("write");
                    return self.pour(stream, &[b' '; 64 * 1024]).await;
                }
                ServerAction::EndlessHead => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nx-more: ").await.expect("write");
                    return self.pour(stream, &[b'x'; 64 * 1024]).await;
                }
                ServerAction::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
                ServerAction::Drip(pause) => {
                    let bytes = answer(&format!("{}{{}}", " ".repeat(2_000)));
                    for byte in bytes.as_bytes().chunks(1) {
                        if stream.write_all(byte).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(pause).await;
                    }
                }
                ServerAction::Stall => {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await.expect("write");
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            }
        }
    }
}

async fn reset(mut stream: TcpStream, action: ServerAction) {
    if let ServerAction::ResetAfter(bytes) = action {
        let mut read = vec![0; bytes];
        stream.read_exact(&mut read).await.expect("so much of a request");
    }
    stream.set_zero_linger().expect("a socket");
}

async fn request(stream: &mut TcpStream) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut request = ReceivedRequest { head, body: String::new() };
            let length: usize = request.header("content-length").map_or(0, |length| length.parse().expect("a length"));
            if bytes.len() >= end + 4 + length {
                request.body = String::from_utf8(bytes.split_off(end + 4)).expect("UTF-8");
                return Some(request);
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&more[..length]),
        }
    }
}

/// A client whose calls may take `timeout`, with a clock whose sleepers wake at once.
pub(crate) fn client(endpoint: &str, timeout: Duration) -> TencentCdn {
    client_with(endpoint, keys(), timeout)
}

/// The keys of a client that is not told others.
fn keys() -> CredentialProvider {
    let credentials = Credentials::new(
        "AKIDEXAMPLE".to_owned(),
        SecretString::from("hush-secret-key"),
        Some(SecretString::from("hush-token")),
    );
    CredentialProvider::from_pair(credentials.expect("well formed"))
}

/// The same with other keys.
pub(crate) fn client_with(endpoint: &str, keys: CredentialProvider, timeout: Duration) -> TencentCdn {
    client_made(endpoint, keys, timeout, Vec::new())
}

/// The same, trusting nobody's certificates but those of one authority.
pub(crate) fn client_trusting(endpoint: &str, authority: Certificate, timeout: Duration) -> TencentCdn {
    client_made(endpoint, keys(), timeout, vec![authority])
}

fn client_made(endpoint: &str, keys: CredentialProvider, timeout: Duration, trusted: Vec<Certificate>) -> TencentCdn {
    let options = TencentOptions {
        endpoint: endpoint.parse().expect("a URL"),
        keys,
        clock: Arc::new(LeapingClock(ManualClock::new(NOW))),
    };
    let timeout = CallTimeouts { connect: timeout / 2, total: timeout };
    TencentCdn::build(options, &timeout, trusted).expect("a client")
}

/// A clock that leaps to where a sleeper wants it.
struct LeapingClock(ManualClock);

#[async_trait]
impl Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        self.0.advance(moment.since(self.now()));
    }
}

/// A turnstile that lets everybody pass and counts them.
#[derive(Default)]
pub(crate) struct CallCounter {
    pub(crate) acquired: Mutex<Vec<&'static str>>,
    pub(crate) released: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl CallLimiter for CallCounter {
    async fn acquire(&self, action: ApiAction) {
        self.acquired.lock().expect("acquired").push(action.0);
    }

    fn on_throttled(&self, _: ApiAction) {}

    fn release(&self, action: ApiAction) {
        self.released.lock().expect("left").push(action.0);
    }
}

impl CallCounter {
    /// How many calls were made; each must have left as it acquired.
    pub(crate) fn calls(&self) -> usize {
        let (acquired, released) = (self.acquired.lock().expect("acquired"), self.released.lock().expect("left"));
        assert_eq!(*acquired, *released, "every token is given back");
        acquired.len()
    }
}
