//! What is noted of connections and answers, good and bad, and that a look ends when its time does.

use std::time::Duration;

use refreshd::probe::{ConnectError, DialTarget, HttpError, HttpResult, ProbeRequest, ProbeResult, Prober, Scheme};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{LONG, SHORT, answering, ask, loopback, on_loopback};

async fn look_at(answer: impl Into<Vec<u8>>, within: Duration) -> ProbeResult {
    let (address, _) = answering(loopback(), answer).await;
    on_loopback().probe(&ask(DialTarget::Address(address)), within).await
}

fn answer(seen: ProbeResult) -> Result<HttpResult, HttpError> {
    seen.http.expect("the HTTP stage was reached")
}

/// A server that accepts, writes this and keeps the connection open without end, writing `more` again and again.
async fn endless(head: &'static str, more: &'static [u8]) -> DialTarget {
    let listener = TcpListener::bind((loopback(), 0)).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("written");
        while !more.is_empty() && stream.write_all(more).await.is_ok() {}
        std::future::pending::<()>().await;
    });
    DialTarget::Address(address)
}

#[tokio::test]
async fn a_good_answer_is_noted_without_its_secrets() {
    let body = "the body";
    let text = format!(
        "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX-Cache-Lookup: Cache Miss\r\nX-Cache-Lookup: Hit From Upstream\r\n\
         Set-Cookie: id=secret\r\nX-Auth-Token: secret\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (address, mut requests) = answering(loopback(), text).await;
    let asked = ProbeRequest {
        path: "/a?b=%2F&c".to_owned(),
        user_agent: Some("TencentCdn".to_owned()),
        ..ask(DialTarget::Address(address))
    };
    let seen = on_loopback().probe(&asked, LONG).await;
    assert_eq!((seen.address, seen.name.is_none(), seen.tls.is_none()), (Some(address), true, true));
    let answer = answer(seen).expect("an answer");
    assert_eq!((answer.status, answer.body_bytes), (200, 8));
    assert_eq!(answer.body_sha256, Some(Sha256::digest(body).into()));
    assert_eq!(answer.header("x-cache-lookup").as_deref(), Some("Cache Miss, Hit From Upstream"));
    assert_eq!(answer.header("etag").as_deref(), Some("\"a\""));
    assert_eq!(
        answer.header("set-cookie").as_deref(),
        Some("(left out)"),
        "that there is one tells why no copy is kept"
    );
    assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
    let request = requests.recv().await.expect("a request").to_lowercase();
    assert!(request.starts_with("get /a?b=%2f&c http/1.1\r\n"), "{request}");
    for line in ["host: www.example.com", "user-agent: tencentcdn", "accept-encoding: identity"] {
        assert!(request.contains(&format!("\r\n{line}\r\n")), "{line} in {request}");
    }
}

#[tokio::test]
async fn what_http_cannot_carry_is_escaped_as_a_browser_does() {
    let (address, mut requests) = answering(loopback(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    for (path, sent) in [("/a<b>?c=\"d\"", "/a%3Cb%3E?c=%22d%22"), ("/a|b?c|d", "/a|b?c|d"), ("/%7e/%E4", "/%7e/%E4")] {
        let asked = ProbeRequest { path: path.to_owned(), ..ask(DialTarget::Address(address)) };
        assert!(on_loopback().probe(&asked, LONG).await.http.expect("reached").is_ok(), "{path}");
        let request = requests.recv().await.expect("a request");
        assert!(request.starts_with(&format!("GET {sent} HTTP/1.1\r\n")), "{path}: {request}");
    }
}

#[tokio::test]
async fn a_long_body_is_not_read_and_an_endless_one_not_to_its_end() {
    let told = answer(look_at("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nETag: \"a\"\r\n\r\nx", LONG).await);
    let told = told.expect("its head is enough");
    assert_eq!((told.body_sha256, told.body_bytes), (None, 0));
    let dial = endless("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536]).await;
    let untold = answer(on_loopback().probe(&ask(dial), LONG).await).expect("an answer");
    assert!(untold.body_sha256.is_none() && (8 << 20..9 << 20).contains(&untold.body_bytes), "{}", untold.body_bytes);
}

#[tokio::test]
async fn who_hangs_is_given_up_when_the_time_is_over() {
    let silent = given_up(&ask(endless("", b"").await)).await;
    assert_eq!(answer(silent), Err(HttpError::TimedOut));
    let dripping = given_up(&ask(endless("HTTP/1.1 200 OK\r\nA: b", b"").await)).await;
    assert_eq!(answer(dripping), Err(HttpError::TimedOut));
    let slow = given_up(&ask(endless("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"").await)).await;
    assert_eq!(answer(slow), Err(HttpError::TooSlow { status: 200, bytes: 3 }));
}

/// Looks for a short time, and does not wait much longer.
async fn given_up(ask: &ProbeRequest) -> ProbeResult {
    tokio::time::timeout(SHORT * 60, on_loopback().probe(ask, SHORT)).await.expect("an end")
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_what_it_is() {
    assert!(matches!(answer(look_at("220 mail.example ESMTP\r\n", LONG).await), Err(HttpError::Garbled(_))));
    let fat = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(70_000));
    let fault = answer(look_at(fat, LONG).await).expect_err("too large");
    assert!(matches!(&fault, HttpError::Garbled(what) if what.contains("64 KiB")), "{fault:?}");
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: a\r\n".repeat(101));
    assert!(matches!(answer(look_at(many, LONG).await), Err(HttpError::Garbled(_))));
    let broken = answer(look_at("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", LONG).await).expect_err("cut off");
    assert!(
        matches!(&broken, HttpError::Broken(what) if what.contains("200") && what.contains("3 bytes")),
        "{broken:?}"
    );
    assert!(matches!(answer(look_at("", LONG).await), Err(HttpError::Broken(_))));
}

#[tokio::test]
async fn who_does_not_take_a_connection_is_told_as_refusing_or_silent() {
    let gone = TcpListener::bind((loopback(), 0)).await.expect("a listener").local_addr().expect("an address");
    let seen = on_loopback().probe(&ask(DialTarget::Address(gone)), LONG).await;
    assert_eq!((seen.address, seen.connect, seen.http), (Some(gone), Some(Err(ConnectError::Refused)), None));

    // A listener whose queue is full lets attempts go unanswered.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((loopback(), 0).into()).expect("bound");
    let listener = socket.listen(1).expect("a listener");
    let full = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(full)).await {
        waiting.push(stream);
        assert!(waiting.len() < 64, "the queue does not fill");
    }
    let seen = on_loopback().probe(&ask(DialTarget::Address(full)), SHORT).await;
    assert_eq!(seen.connect, Some(Err(ConnectError::TimedOut)));
}

#[tokio::test]
async fn a_configured_edge_that_speaks_plain_http_is_looked_at_that_way() {
    let secure = |dial| ProbeRequest { scheme: Scheme::Https, ..ask(dial) };
    let listener = hyper_server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let seen = on_loopback().probe_configured_address(&secure(listener.clone()), LONG).await;
    assert_eq!(seen.ask.scheme, Scheme::Http, "{seen:?}");
    assert_eq!(answer(seen).map(|answer| answer.status), Ok(200));
    let strict = on_loopback().probe(&secure(listener), LONG).await;
    assert!(matches!(strict.tls, Some(Err(_))) && strict.http.is_none(), "only where an operator wrote it down");
    // Who wants TLS and tells so in plain HTTP is no plain edge.
    let wants_tls = hyper_server("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let seen = on_loopback().probe_configured_address(&secure(wants_tls), LONG).await;
    assert!(matches!(seen.tls, Some(Err(_))) && seen.ask.scheme == Scheme::Https, "{seen:?}");
}

/// Answers this to a GET and 400 to anything else, such as the first bytes of TLS.
async fn hyper_server(good: &'static str) -> DialTarget {
    let listener = TcpListener::bind((loopback(), 0)).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0; 4];
            let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await;
            let text = if &first == b"GET " { good } else { "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" };
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            let mut rest = [0; 4096];
            while matches!(tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await, Ok(1..)) {}
        }
    });
    DialTarget::Address(address)
}
