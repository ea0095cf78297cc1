//! A closed loop of HTTP/1.1 requests over connections that stay open, on one thread and as cheap as it goes, so that
//! what is measured is the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use refreshd::clock::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that says nothing for so long has failed the run.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was seen at the door.
#[derive(Debug, Clone)]
pub struct Seen {
    pub requests: usize,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Where a body has this, each sending has a number of its own in its place: what was never sent before.
pub const FRESH: &str = "fresh-00000000";

/// What is sent again and again.
#[derive(Debug, Clone)]
pub struct Request {
    pub address: SocketAddr,
    pub body: String,
    /// Sendings so far, over all runs.
    pub sent: Arc<AtomicU32>,
    /// `Bearer …`, where the door asks for it.
    pub authorization: Option<String>,
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        let authorization =
            self.authorization.as_ref().map_or_else(String::new, |value| format!("authorization: {value}\r\n"));
        format!(
            "POST /v1/jobs HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
            self.address,
            self.body.len(),
            self.body
        )
        .into_bytes()
    }
}

/// Posts from `connections` at once for `span`. Every answer must be a 202.
pub fn run(request: &Request, connections: usize, span: Duration) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bytes = request.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let fresh: Arc<[usize]> = text.match_indices(FRESH).map(|(place, _)| place).collect();
        let mut streams = Vec::new();
        for _ in 0..connections {
            streams.push(Connection::open(request.address).await);
        }
        let watch = Stopwatch::start();
        let tasks: Vec<_> = streams
            .into_iter()
            .map(|mut connection| {
                let (mut bytes, fresh, sent) = (bytes.clone(), fresh.clone(), request.sent.clone());
                tokio::spawn(async move {
                    let mut spans = Vec::new();
                    while watch.elapsed() < span {
                        number(&mut bytes, &fresh, sent.fetch_add(1, Ordering::Relaxed));
                        let one = Stopwatch::start();
                        tokio::time::timeout(PATIENCE, connection.exchange(&bytes)).await.expect("an answer in time");
                        spans.push(one.elapsed());
                    }
                    spans
                })
            })
            .collect();
        let mut spans = Vec::new();
        for task in tasks {
            spans.extend(task.await.expect("a connection that holds"));
        }
        let took = watch.elapsed();
        spans.sort();
        let at = |share: f64| spans[((spans.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let requests = spans.len();
        Seen { requests, per_second: requests as f64 / took.as_secs_f64(), p50_ms: at(0.5), p99_ms: at(0.99) }
    })
}

/// Writes the number into the text at these places, in the place of `FRESH`.
pub fn number(text: &mut [u8], places: &[usize], number: u32) {
    let digits = format!("{number:08}");
    let end = FRESH.len();
    for place in places {
        text[place + end - digits.len()..place + end].copy_from_slice(digits.as_bytes());
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    async fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("a request that goes out");
        self.buffer.clear();
        let mut whole = None;
        while whole.is_none_or(|length| self.buffer.len() < length) {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
            assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.buffer));
            whole = whole.or_else(|| answer_length(&self.buffer));
        }
        assert!(self.buffer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&self.buffer));
    }
}

/// How long the whole answer is, once its head is there.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head in ASCII").to_ascii_lowercase();
    let length = head.split("content-length:").nth(1).expect("an answer with a length");
    Some(end + length.split("\r\n").next()?.trim().parse::<usize>().expect("a length"))
}
