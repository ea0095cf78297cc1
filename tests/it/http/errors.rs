//! Bad requests: what is answered, and that nothing is stored.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_target_refuses_the_whole_job_with_its_place_and_the_right_form() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/ok", "https://www.example.com/a b"],
        "directories": ["https://www.example.com/img"]});
    let refused = world.post(&body).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    let problem = refused.body;
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("invalid"), &json!(false)));
    let errors = problem["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 2, "{problem}");
    assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&json!("/urls/1"), &json!("not_encoded")));
    assert!(errors[0]["detail"].as_str().is_some_and(|detail| detail.contains("https://www.example.com/a%20b")));
    assert_eq!((&errors[1]["pointer"], &errors[1]["code"]), (&json!("/directories/0"), &json!("directory_slash")));
    assert!(errors[1]["detail"].as_str().is_some_and(|detail| detail.contains("https://www.example.com/img/")));
    assert_eq!(world.get("/v1/jobs").await.body["items"], json!([]), "nothing of the job is kept");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_bad_request_has_its_own_answer() {
    let world = World::start().await;
    let jobs = world.url("/v1/jobs");
    let sent = |kind: &str, body: &str| world.http().post(&jobs).header("content-type", kind).body(body.to_owned());
    let json_kind = "application/json";
    for (request, status, code) in [
        (sent(json_kind, "{"), 400, "malformed_json"),
        (sent("text/plain", "{}"), 415, "not_json"),
        (
            sent(json_kind, r#"{"operation": "purge", "urls": ["https://www.example.com/"], "colour": 1}"#),
            422,
            "invalid",
        ),
        (sent(json_kind, r#"{"operation": "purge", "urls": "https://www.example.com/"}"#), 422, "invalid"),
        (sent(json_kind, r#"{"operation": "purge"}"#), 422, "invalid"),
        (sent(json_kind, r#"{"operation": "purge", "urls": []}"#).header("idempotency-key", "a b"), 422, "invalid"),
        (world.http().get(world.url("/v1/nothing")), 404, "no_such_path"),
        (world.http().delete(&jobs), 405, "wrong_method"),
        (world.http().get(world.url("/v1/jobs/job_00000000000000000000000000000000")), 404, "not_found"),
        (world.http().get(world.url("/v1/jobs/42")), 404, "not_found"),
        (world.http().get(world.url("/v1/jobs?limit=501")), 422, "invalid"),
        (world.http().get(world.url("/v1/jobs?color=red")), 422, "invalid"),
        (world.http().get(world.url("/livez")).header("host", "evil.example"), 403, "host_not_loopback"),
    ] {
        let answered = world.send(request).await;
        assert_eq!((answered.status, answered.body["code"].as_str()), (status, Some(code)), "{}", answered.body);
        assert_eq!(answered.headers["x-request-id"], answered.body["request_id"].as_str().expect("an id"));
        assert!(answered.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        assert_eq!(answered.headers.contains_key("allow"), status == 405, "RFC 9110, 15.5.6");
    }
    world.end().await;
}

/// A client that writes to the end before it reads still gets to read why its body was refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_far_over_the_limit_is_read_on_so_that_the_answer_can_be_read() {
    let world = World::start().await;
    let address = world.daemon.as_ref().expect("a daemon").address;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1024 * 1024));
    for sent in 0..40 {
        stream.write_all(chunk.as_bytes()).await.unwrap_or_else(|error| panic!("after {sent} MiB: {error}"));
    }
    stream.write_all(b"0\r\n\r\n").await.expect("the end of the body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too_large\""), "{answer}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_text_names_nothing() {
    let world = World::start().await;
    for path in ["/v1/jobs/%ff", "/v1/jobs/%ff/items", "/v1/jobs/%ff/events"] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{path}: {}", answer.body);
    }
    for path in ["/v1/jobs/%ff/cancel", "/v1/jobs/%ff/retry", "/v1/lanes/%ff/pause", "/v1/lanes/%ff/resume"] {
        let answer = world.send(world.http().post(world.url(path))).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{path}: {}", answer.body);
    }
    world.end().await;
}
