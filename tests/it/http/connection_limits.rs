//! The accept loop's patience, with short limits and raw sockets: each test shortens the one limit that it is about.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use refreshd::api::server::{self, ServerLimits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far above what anything here takes, and far below what a limit that was not shortened would take.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(300);

const PATIENT: ServerLimits = ServerLimits {
    connections: 100,
    first_byte: LONG,
    head: LONG,
    head_bytes: 64 * 1024,
    body: LONG,
    stalled: LONG,
    idle: LONG,
    accept_pause: SHORT,
};
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Served {
    address: SocketAddr,
    server: JoinHandle<()>,
    shutdown: CancellationToken,
    /// Lets `GET /held` answer.
    release: CancellationToken,
    /// Cancelled when the server gives up the answer of `GET /endless`.
    given_up: CancellationToken,
}

impl Served {
    async fn with(limits: ServerLimits) -> Self {
        Self::with_grace(limits, LONG).await
    }

    async fn with_grace(limits: ServerLimits, grace: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (shutdown, release, given_up) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let held = release.clone();
        let guarded = given_up.clone();
        let endless = move || {
            let guard = guarded.clone().drop_guard();
            let chunks = futures_util::stream::repeat_with(move || {
                let _ = &guard;
                Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 65536]))
            });
            async move { Body::from_stream(chunks) }
        };
        let router = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/", post(|body: Bytes| async move { body.len().to_string() }))
            .route("/held", get(move || async move { held.cancelled().await }))
            .route("/endless", get(endless));
        let server = tokio::spawn(server::serve(listener, router, limits, grace, shutdown.clone()));
        Self { address, server, shutdown, release, given_up }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    async fn ended(self) {
        tokio::time::timeout(SOON, self.server).await.expect("the server ends soon").expect("it does not break off");
    }
}

/// One request, and its answer up to the end of the body "hello".
async fn greeted(stream: &mut TcpStream) {
    stream.write_all(GET).await.expect("a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let read = tokio::time::timeout(SOON, stream.read_buf(&mut answer)).await.expect("an answer comes soon");
        assert!(read.expect("an answer") > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

/// What comes until the server closes. A reset is a close too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.expect("the server closes it soon");
    String::from_utf8(rest).expect("UTF-8")
}

#[tokio::test]
async fn a_silent_connection_is_cut_off() {
    let served = Served::with(ServerLimits { first_byte: SHORT, ..PATIENT }).await;
    assert_eq!(rest(&mut served.connect().await).await, "");
}

#[tokio::test]
async fn half_a_head_is_cut_off() {
    let served = Served::with(ServerLimits { head: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    stream.write_all(&GET[..20]).await.expect("half a head");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off_also_on_a_used_connection() {
    let served = Served::with(ServerLimits { head: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    greeted(&mut stream).await;
    let (mut reading, mut writing) = stream.into_split();
    let trickle = async {
        writing.write_all(b"GET / HTTP/1.1\r\nX: ").await?;
        loop {
            writing.write_all(b"x").await?;
            tokio::time::sleep(SHORT / 10).await;
        }
        #[expect(unreachable_code, reason = "it names the type of the block")]
        Ok::<(), io::Error>(())
    };
    let mut rest = Vec::new();
    let closed = async {
        tokio::select! {
            _ = reading.read_to_end(&mut rest) => {}
            _ = trickle => {}
        }
    };
    tokio::time::timeout(SOON, closed).await.expect("the server closes it soon");
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_head_over_its_size_is_refused() {
    let served = Served::with(ServerLimits { head_bytes: 8192, ..PATIENT }).await;
    let mut stream = served.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(10_000));
    stream.write_all(head.as_bytes()).await.expect("a long head");
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_slow_body_is_refused_or_cut_off() {
    let served = Served::with(ServerLimits { body: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    let head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head).await.expect("a head");
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, reading.read_to_end(&mut answer)).await.expect("the server closes it soon");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&answer));
    trickle.abort();
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let served = Served::with(ServerLimits { idle: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    greeted(&mut stream).await;
    greeted(&mut stream).await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_pause_between_requests_is_no_slow_head_and_no_silence() {
    let served = Served::with(ServerLimits { head: SHORT, first_byte: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    greeted(&mut stream).await;
    tokio::time::sleep(SHORT * 4).await;
    greeted(&mut stream).await;
}

#[tokio::test]
async fn an_answer_may_take_its_time() {
    let hurried = ServerLimits { first_byte: SHORT, head: SHORT, body: SHORT, stalled: SHORT, idle: SHORT, ..PATIENT };
    let served = Served::with(hurried).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    tokio::time::sleep(SHORT * 4).await;
    served.release.cancel();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let served = Served::with(ServerLimits { stalled: SHORT, ..PATIENT }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    tokio::time::timeout(SOON, served.given_up.cancelled()).await.expect("the server gives up soon");
}

#[tokio::test]
async fn connections_above_the_cap_wait_for_a_free_slot() {
    let served = Served::with(ServerLimits { connections: 2, ..PATIENT }).await;
    let (mut first, mut second, mut third) = (served.connect().await, served.connect().await, served.connect().await);
    greeted(&mut first).await;
    greeted(&mut second).await;
    third.write_all(GET).await.expect("a request");
    let mut byte = [0; 1];
    let early = tokio::time::timeout(SHORT * 4, third.read(&mut byte)).await;
    assert!(early.is_err(), "served above the cap: {early:?}");
    drop(first);
    greeted(&mut third).await;
    greeted(&mut second).await;
}

#[tokio::test]
async fn a_shutdown_ends_idle_and_silent_connections_at_once() {
    let served = Served::with(PATIENT).await;
    let (mut idle, mut silent) = (served.connect().await, served.connect().await);
    greeted(&mut idle).await;
    served.shutdown.cancel();
    assert_eq!((rest(&mut idle).await, rest(&mut silent).await), (String::new(), String::new()));
    served.ended().await;
}

#[tokio::test]
async fn a_shutdown_lets_an_open_request_end() {
    let served = Served::with(PATIENT).await;
    let mut open = served.connect().await;
    // The greeting shows that the connection is taken, so that the held request cannot come too late.
    greeted(&mut open).await;
    open.write_all(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    tokio::time::sleep(SHORT).await;
    served.shutdown.cancel();
    for _ in 0..100 {
        if TcpStream::connect(served.address).await.is_err() {
            break;
        }
        tokio::time::sleep(SHORT / 4).await;
    }
    assert!(TcpStream::connect(served.address).await.is_err(), "nothing is accepted any more");
    assert!(!served.server.is_finished(), "the open request is waited for");
    served.release.cancel();
    let answer = rest(&mut open).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close"), "{answer}");
    served.ended().await;
}

#[tokio::test]
async fn a_request_that_is_open_after_the_grace_is_cut_off() {
    let served = Served::with_grace(PATIENT, SHORT).await;
    let mut open = served.connect().await;
    greeted(&mut open).await;
    open.write_all(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("a request");
    tokio::time::sleep(SHORT).await;
    served.shutdown.cancel();
    assert_eq!(rest(&mut open).await, "");
    served.ended().await;
}
