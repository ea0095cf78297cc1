//! What the network and a gateway can do to a call, over real sockets: nothing that may have been done is ever taken
//! for unsent or for a success.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::scripted_server::{CallCounter, Script, ServerAction, client, ok, refused};
use crate::domain::{AccountName, Area, ErrorClass, Failure, ItemOperation, Lane, Target, TargetKind};
use crate::provider::{Provider, ReadError, SubmitOutcome, TaskId};

const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(20);

fn lane() -> Lane {
    Lane {
        account: AccountName::new("main"),
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        area: Area::Own,
        mode: None,
    }
}

fn targets() -> Vec<Target> {
    vec![Target::parse(TargetKind::Url, "https://www.example.com/a.js").expect("a target")]
}

/// What a submission against this script comes to, and how many requests the server read.
async fn submitted(actions: impl IntoIterator<Item = ServerAction>) -> (SubmitOutcome, usize) {
    let script = Script::start(actions).await;
    let answer = script.client().submit(&lane(), &targets()).await;
    assert_eq!(script.remaining(), 0, "every action was played");
    (answer, script.requests().len())
}

fn lost_code(answer: &SubmitOutcome) -> &str {
    match answer {
        SubmitOutcome::Lost(Failure { class: ErrorClass::Lost, code, .. }) => code,
        other => panic!("expected Lost, not {other:?}"),
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let answer = client(&format!("http://{address}/"), LONG).submit(&lane(), &targets()).await;
    let SubmitOutcome::NotSent(failure) = answer else { panic!("{answer:?}") };
    assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Outage, "connect_failed"));
    assert!(failure.message.contains("refused"), "{}", failure.message);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_sent() {
    let answer = client("http://no-such-host.invalid/", LONG).submit(&lane(), &targets()).await;
    assert!(matches!(answer, SubmitOutcome::NotSent(_)), "{answer:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut hello = vec![0; 4096];
        let length = stream.read(&mut hello).await.expect("a hello");
        hello.truncate(length);
        hello
    });
    let answer = client(&endpoint, LONG).submit(&lane(), &targets()).await;
    assert!(matches!(answer, SubmitOutcome::NotSent(_)), "{answer:?}");
    let hello = server.await.expect("the server ended");
    assert!(!String::from_utf8_lossy(&hello).contains("PurgeUrlsCache"), "only the handshake left");
}

#[tokio::test]
async fn a_silent_tls_handshake_ends_with_the_connect_timeout_and_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://{}/", listener.local_addr().expect("an address"));
    let answer = client(&endpoint, SHORT).submit(&lane(), &targets()).await;
    assert!(matches!(answer, SubmitOutcome::NotSent(_)), "{answer:?}");
}

#[tokio::test]
async fn a_connection_closed_before_it_was_read_is_lost_for_bytes_may_have_left() {
    let (answer, _) = submitted([ServerAction::CloseAtOnce]).await;
    assert_eq!(lost_code(&answer), "connection_lost");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_was_read_is_lost_and_not_sent_again() {
    let (answer, requests) = submitted([ServerAction::CloseAfterRequest]).await;
    assert_eq!((lost_code(&answer), requests), ("connection_lost", 1));
}

#[tokio::test]
async fn a_reset_is_lost_wherever_it_strikes_once_the_connection_was_made() {
    for action in [ServerAction::ResetAtOnce, ServerAction::ResetAfter(1), ServerAction::ResetAfter(300)] {
        let (answer, _) = submitted([action]).await;
        assert_eq!(lost_code(&answer), "connection_lost");
    }
}

#[tokio::test]
async fn a_reset_while_the_request_is_still_being_written_is_lost() {
    let long = |number: u32| {
        let url = format!("https://www.example.com/{number}/{}", "a".repeat(2_000));
        Target::parse(TargetKind::Url, &url).expect("a target")
    };
    // More than the sockets' buffers hold, so that the writer is still at it.
    let targets: Vec<Target> = (0..4_000).map(long).collect();
    let script = Script::start([ServerAction::ResetAfter(10_000)]).await;
    assert_eq!(lost_code(&script.client().submit(&lane(), &targets).await), "connection_lost");
}

#[tokio::test]
async fn a_kept_connection_that_breaks_under_a_request_is_lost_and_not_sent_again() {
    let script = Script::start([ok(r#","TaskId":"t""#), ServerAction::CloseAfterRequest]).await;
    let client = script.client();
    assert!(matches!(client.submit(&lane(), &targets()).await, SubmitOutcome::Accepted { .. }));
    assert_eq!(lost_code(&client.submit(&lane(), &targets()).await), "connection_lost");
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_costs_nothing_or_is_lost_but_is_never_called_unsent() {
    for pause_ms in [0, 1, 20] {
        let task = r#"{"Response":{"RequestId":"r","TaskId":"t"}}"#.to_owned();
        let script =
            Script::start([ServerAction::AnswerAndClose(task.clone()), ServerAction::AnswerAndClose(task)]).await;
        let client = script.client();
        assert!(matches!(client.submit(&lane(), &targets()).await, SubmitOutcome::Accepted { .. }));
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let answer = client.submit(&lane(), &targets()).await;
        assert!(matches!(answer, SubmitOutcome::Accepted { .. } | SubmitOutcome::Lost(_)), "{answer:?}");
        assert!(script.requests().len() <= 2, "no request arrives twice");
    }
}

#[tokio::test]
async fn a_gateway_is_not_the_provider_whatever_it_says() {
    let task = r#"{"Response":{"RequestId":"r","TaskId":"t"}}"#;
    for (status, code, body) in [
        ("502 Bad Gateway", "http_502", "<html>bad gateway</html>"),
        ("500 Internal Server Error", "http_500", task),
        ("429 Too Many Requests", "http_429", ""),
        ("201 Created", "http_201", task),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", "http_302", ""),
    ] {
        let raw = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let (answer, requests) = submitted([ServerAction::Raw(raw)]).await;
        assert_eq!((lost_code(&answer), requests), (code, 1));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Script::start([]).await;
        let head =
            format!("HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.endpoint());
        let (answer, requests) = submitted([ServerAction::Raw(head)]).await;
        assert_eq!((lost_code(&answer), requests), (format!("http_{status}").as_str(), 1));
        assert!(elsewhere.requests().is_empty(), "the signed request went nowhere else");
    }
}

#[tokio::test]
async fn a_cut_or_deep_answer_is_lost_and_its_request_id_is_not_believed() {
    let deep =
        format!(r#"{{"Response":{{"RequestId":"r","TaskId":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in [r#"{"Response":{"RequestId":"r","TaskId":"t"#.to_owned(), r#"{"Response":"#.to_owned(), deep] {
        let (answer, _) = submitted([ServerAction::Answer(body)]).await;
        assert_eq!(lost_code(&answer), "answer_unreadable");
    }
}

#[tokio::test]
async fn garbage_is_lost() {
    let (answer, _) = submitted([ServerAction::Raw("\u{1}\u{2}SSH-2.0-what\r\n\r\n".to_owned())]).await;
    assert_eq!(lost_code(&answer), "connection_lost");
    let (answer, _) =
        submitted([ServerAction::Raw("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{".to_owned())]).await;
    assert_eq!(lost_code(&answer), "connection_lost");
    let (answer, _) = submitted([ServerAction::Answer("<html>welcome to our wifi</html>".to_owned())]).await;
    assert_eq!(lost_code(&answer), "answer_unreadable");
}

#[tokio::test]
async fn a_success_without_a_task_is_lost_and_keeps_its_request_id() {
    for fields in
        ["", r#","TaskId":null"#, r#","TaskId":"""#, r#","TaskId":" ""#, r#","TaskId":7"#, r#","TaskId":["t"]"#]
    {
        let (answer, _) = submitted([ok(fields)]).await;
        let SubmitOutcome::Lost(failure) = answer else { panic!("{fields}: {answer:?}") };
        assert_eq!(failure.request_id.as_deref(), Some("req-1"), "{fields}");
    }
    let (answer, _) = submitted([ServerAction::Answer(r#"{"Response":{"TaskId":"t"}}"#.to_owned())]).await;
    assert_eq!(lost_code(&answer), "no_request_id");
}

#[tokio::test]
async fn an_endless_body_or_head_is_cut_off() {
    for (action, code) in [(ServerAction::Endless, "answer_too_large"), (ServerAction::EndlessHead, "connection_lost")]
    {
        let script = Script::start([action]).await;
        let answer = script.client().submit(&lane(), &targets()).await;
        assert_eq!(lost_code(&answer), code);
        // What was read, and what fits into the buffers of two sockets.
        let poured = script.poured.load(Ordering::Relaxed);
        assert!(poured < 64 * 1024 * 1024, "{poured} bytes were taken");
    }
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_total_timeout() {
    for action in [ServerAction::Silence, ServerAction::Stall, ServerAction::Drip(Duration::from_millis(5))] {
        let script = Script::start([action]).await;
        let answer = client(&script.endpoint(), SHORT).submit(&lane(), &targets()).await;
        assert_eq!((lost_code(&answer), script.requests().len()), ("timeout", 1));
    }
}

#[tokio::test]
async fn the_content_type_decides_nothing() {
    let body = r#"{"Response":{"RequestId":"r","Error":{"Code":"RequestLimitExceeded","Message":"m"}}}"#;
    let raw = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (answer, _) = submitted([ServerAction::Raw(raw)]).await;
    assert!(matches!(answer, SubmitOutcome::Throttled(_)), "{answer:?}");
}

#[tokio::test]
async fn a_lost_read_is_a_fault_to_be_asked_again() {
    let limiter = CallCounter::default();
    for action in
        [ServerAction::CloseAfterRequest, ServerAction::Answer("[]".to_owned()), refused("InternalError"), ok("")]
    {
        let script = Script::start([action]).await;
        let task = crate::provider::tencent::TaskQuery {
            operation: ItemOperation::Purge,
            task: TaskId("t".to_owned()),
            targets: 1,
        };
        let fault = script.client().task_progress(&task, &limiter).await.expect_err("no answer");
        assert!(matches!(&fault, ReadError::Failed(failure) if failure.class == ErrorClass::Outage), "{fault:?}");
    }
    assert_eq!(limiter.calls(), 4);
}

fn dated(date: &str, fields: &str) -> ServerAction {
    let body = format!(r#"{{"Response":{{"RequestId":"req-1"{fields}}}}}"#);
    ServerAction::Raw(format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

const EXPIRED: &str = r#","Error":{"Code":"AuthFailure.SignatureExpire","Message":"m"}"#;
const AN_HOUR_AHEAD: &str = "Sun, 22 Nov 2026 17:00:00 GMT";

#[tokio::test]
async fn a_wrong_clock_is_learnt_and_the_call_is_signed_again_once() {
    let script = Script::start([
        dated(AN_HOUR_AHEAD, EXPIRED),
        dated(AN_HOUR_AHEAD, r#","TaskId":"t""#),
        ok(r#","TaskId":"u""#),
    ])
    .await;
    let client = script.client();
    assert!(matches!(client.submit(&lane(), &targets()).await, SubmitOutcome::Accepted { .. }));
    // What was learnt is used from the start by the next call.
    assert!(matches!(client.submit(&lane(), &targets()).await, SubmitOutcome::Accepted { .. }));
    let stamps: Vec<i64> = script
        .requests()
        .iter()
        .map(|request| request.header("x-tc-timestamp").expect("sent").parse().expect("seconds"))
        .collect();
    let now = super::scripted_server::NOW.as_secs();
    // A second has passed before the second try, so that the call rate holds; its date is then learnt in turn.
    assert_eq!(stamps, [now, now + 3_601, now + 3_600]);
}

#[tokio::test]
async fn a_clock_that_stays_wrong_refuses_the_account() {
    let (answer, requests) = submitted([dated(AN_HOUR_AHEAD, EXPIRED), dated(AN_HOUR_AHEAD, EXPIRED)]).await;
    assert!(
        matches!(&answer, SubmitOutcome::AccountRefused(failure) if failure.class == ErrorClass::Clock),
        "{answer:?}"
    );
    assert_eq!(requests, 2);
    // Without a date there is nothing to correct by, so a second call would be refused as well.
    let (answer, requests) = submitted([refused("AuthFailure.SignatureExpire")]).await;
    assert!(
        matches!(&answer, SubmitOutcome::AccountRefused(failure) if failure.class == ErrorClass::Clock),
        "{answer:?}"
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn every_header_is_sent() {
    let script = Script::start([refused("UnsupportedOperation")]).await;
    script.client().submit(&lane(), &targets()).await;
    let request = script.requests().remove(0);
    let header = |name: &str| request.header(name).unwrap_or_else(|| panic!("{name} was not sent")).to_owned();
    assert!(request.head.starts_with("POST / HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(header("host"), script.address);
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-tc-action"), "PurgeUrlsCache");
    assert_eq!(header("x-tc-version"), "2018-06-06");
    assert_eq!(header("x-tc-language"), "en-US");
    assert_eq!(header("x-tc-requestclient"), concat!("refreshd-", env!("CARGO_PKG_VERSION")));
    assert_eq!(header("x-tc-token"), "hush-token");
    let authorization = header("authorization");
    let start = "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2026-11-22/cdn/tc3_request, SignedHeaders=content-type;host, Signature=";
    assert_eq!(authorization.strip_prefix(start).map(str::len), Some(64), "{authorization}");
}

#[tokio::test]
async fn a_provider_that_quotes_our_secrets_is_not_repeated() {
    let script = Script::start([ServerAction::Quote]).await;
    let answer = script.client().submit(&lane(), &targets()).await;
    let SubmitOutcome::AccountRefused(failure) = answer else { panic!("{answer:?}") };
    let request = script.requests().remove(0);
    let signature = request.header("authorization").and_then(|value| value.split_once("Signature=")).expect("signed").1;
    assert!(failure.message.contains("[removed]"), "{}", failure.message);
    assert!(!failure.message.contains("hush-token") && !failure.message.contains(signature), "{}", failure.message);
}
