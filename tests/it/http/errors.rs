//! What goes wrong before and around the work: bad bodies, bad configuration, a second daemon, a dead or strict cloud.

use std::time::Duration;

use refreshd::clock::{Clock, SystemClock};
use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
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
async fn an_idempotency_key_names_one_job() {
    let world = World::start().await;
    let post =
        |body: &Value| world.http().post(world.url("/v1/jobs")).header("idempotency-key", "release-7").json(body);
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let first = world.send(post(&body)).await;
    let again = world.send(post(&body)).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["id"], again.body["id"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(first.headers.get("idempotency-replayed").is_none());
    let other = json!({"operation": "purge", "urls": ["https://www.example.com/b"], "verify": false});
    let refused = world.send(post(&other)).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some("idempotency_key_reused")));
    world.end().await;
}

/// A client that lost the first answer may ask again when the body would be refused as a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_answered_though_the_deadline_has_passed() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let soon = SystemClock::default().now() + Duration::from_millis(1500);
    let deadline = jiff::Timestamp::from_millisecond(soon.as_millis()).expect("a moment");
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "deadline": deadline.to_string()});
    let post = || world.http().post(world.url("/v1/jobs")).header("idempotency-key", "release-8").json(&body);
    let first = world.send(post()).await;
    assert_eq!(first.status, 202, "{}", first.body);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(world.post(&body).await.status, 422, "without a key it is a new job");
    let again = world.send(post()).await;
    assert_eq!((again.status, &again.body["id"]), (202, &first.body["id"]), "{}", again.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_did_not_change_is_not_sent_again() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    world.proved(&id).await;
    let seen = world.get(&format!("/v1/jobs/{id}")).await;
    let again = world.http().get(world.url(&format!("/v1/jobs/{id}")));
    let known = world.send(again.try_clone().expect("a request").header("if-none-match", &seen.headers["etag"])).await;
    assert_eq!((seen.status, known.status), (200, 304));
    let other = world.send(again.header("if-none-match", "\"another\"")).await;
    assert_eq!((other.status, &other.body), (200, &seen.body));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_wait_for_the_end() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let request = world.http().post(world.url("/v1/jobs")).header("prefer", "wait=20").json(&body);
    let answered = world.send(request).await;
    assert_eq!((answered.status, answered.body["status"].as_str()), (200, Some("succeeded")), "{}", answered.body);
    assert_eq!(answered.headers["preference-applied"], "wait");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_keeps_the_job_and_says_why() {
    let world = World::with(|options| options.credentials[0].secret_key = "another-key".to_owned(), "").await;
    waits(&world, "account_paused", "AuthFailure.SignatureFailure").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_permission_keeps_the_job_and_says_why_and_goes_on_when_it_is_granted() {
    let world = World::start().await;
    let denied =
        Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", denied)]);
    let id = waits(&world, "account_paused", "UnauthorizedOperation.CdnCamUnauthorized").await;
    world.sandbox.cloud().set_faults(Vec::new());
    assert_eq!(world.proved(&id).await["status"], "succeeded");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_provider_keeps_the_job_and_says_why() {
    let world = World::with_endpoint("http://127.0.0.1:9").await;
    waits(&world, "outage", "127.0.0.1:9").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_day_quota_parks_the_job_until_the_reset() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let id = waits(&world, "day_quota", "purge-url").await;
    let job = world.get(&format!("/v1/jobs/{id}")).await.body;
    assert!(job["waiting"]["until"].as_str().is_some_and(|until| until.contains("T16:00:00")), "{job}");
    assert!(world.calls("PurgeUrlsCache").is_empty());
    world.end().await;
}

/// Posts a job, and sees it wait for this reason with this in the detail. Nothing is lost meanwhile.
async fn waits(world: &World, reason: &str, detail: &str) -> String {
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let accepted = world.post(&body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let mut job = Value::Null;
    for _ in 0..200 {
        job = world.get(&format!("/v1/jobs/{id}")).await.body;
        let told = job["waiting"]["detail"].as_str().is_some_and(|told| told.contains(detail));
        if job["waiting"]["reason"] == reason && told {
            assert_eq!(job["counts"]["pending"], 1, "{job}");
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not wait for {reason} with {detail}: {job}");
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
