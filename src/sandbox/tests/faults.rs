//! That each fault does what its name says, and is told in the log.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{TestClient, code, envelope};
use crate::sandbox::{Fault, FaultRule};

const PURGE: &str = "PurgeUrlsCache";

fn page() -> Value {
    json!({"Urls": ["https://www.example.com/a.js"]})
}

async fn struck_by(rule: FaultRule) -> TestClient {
    let bench = TestClient::start().await;
    bench.sandbox.cloud().set_faults(vec![rule]);
    bench
}

async fn tasks_made(bench: &TestClient) -> usize {
    bench.sandbox.cloud().tasks().await.len()
}

#[tokio::test]
async fn a_refusal_is_told_in_the_envelope_and_nothing_is_done() {
    let fault = Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".into(), message: "no".into() };
    let bench = struck_by(FaultRule::new("*", fault).host("www.example.com").times(1)).await;
    assert_eq!(bench.code(PURGE, json!({"Urls": ["https://static.example.com/"]})).await, "");
    assert_eq!(bench.code(PURGE, page()).await, "UnauthorizedOperation.CdnCamUnauthorized");
    assert_eq!(bench.code(PURGE, page()).await, "");
    assert_eq!(tasks_made(&bench).await, 2);
}

#[tokio::test]
async fn a_lost_answer_leaves_a_task_and_a_dropped_request_none() {
    for (fault, count) in [(Fault::LoseAnswer, 1), (Fault::DropRequest, 0)] {
        let bench = struck_by(FaultRule::new(PURGE, fault)).await;
        let error = bench.send(PURGE, page()).await.unwrap_err();
        assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(tasks_made(&bench).await, count);
        let call = &bench.sandbox.cloud().calls()[0];
        assert_eq!((call.charged, call.task_id.is_some()), (2 * count as u64, count == 1));
        assert_eq!(call.faults, [if count == 1 { "lose_answer" } else { "drop_request" }]);
        assert_eq!(bench.code("DescribePurgeQuota", json!({})).await, "");
    }
}

#[tokio::test]
async fn a_gateway_answers_before_or_after_the_cloud() {
    for (after, count) in [(false, 0), (true, 1)] {
        let fault = Fault::Status { status: 502, body: "<html>".into(), after };
        let bench = struck_by(FaultRule::new(PURGE, fault)).await;
        let answer = bench.send(PURGE, page()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (502, "<html>"));
        assert_eq!(tasks_made(&bench).await, count);
    }
}

#[tokio::test]
async fn an_answer_can_be_garbage_broken_or_endless() {
    let bench = struck_by(FaultRule::new(PURGE, Fault::Garbage)).await;
    let garbage = bench.send(PURGE, page()).await.unwrap();
    assert_eq!(garbage.status(), 200);
    assert!(garbage.json::<Value>().await.is_err());

    bench.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::Truncate)]);
    let broken = bench.send(PURGE, page()).await.unwrap();
    assert_eq!(broken.status(), 200);
    assert!(broken.bytes().await.is_err());

    bench.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::EndlessBody)]);
    let mut endless = bench.send(PURGE, page()).await.unwrap();
    let mut length = 0;
    while length < 16 << 20 {
        length += endless.chunk().await.unwrap().expect("an endless body does not end").len();
    }
    assert_eq!(tasks_made(&bench).await, 3);
}

#[tokio::test]
async fn a_slow_answer_waits_for_the_clock() {
    let bench = struck_by(FaultRule::new(PURGE, Fault::Slow { delay: Duration::from_secs(30) })).await;
    let purge = page();
    let slow = bench.call(PURGE, purge);
    tokio::pin!(slow);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut slow).await.is_err());
    assert_eq!(tasks_made(&bench).await, 1);
    bench.clock.advance(Duration::from_secs(30));
    assert!(slow.await["TaskId"].is_string());
}

#[tokio::test]
async fn a_task_can_be_listed_late() {
    let delay = Duration::from_secs(30);
    let bench = struck_by(FaultRule::new(PURGE, Fault::LateListing { delay }).times(1)).await;
    let task = bench.submit(PURGE, page()).await;
    let listed = async || bench.call("DescribePurgeTasks", json!({"TaskId": task})).await["TotalCount"].clone();
    bench.clock.advance(Duration::from_millis(29_999));
    assert_eq!(listed().await, 0);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn a_skewed_cloud_refuses_dates_and_records_by_its_own_clock() {
    let bench = struck_by(FaultRule::new("*", Fault::Skew { seconds: 301 })).await;
    let answer = bench.send(PURGE, page()).await.unwrap();
    assert_eq!(answer.headers()["date"], "Sun, 22 Nov 2026 04:05:01 GMT");
    assert_eq!(code(&envelope(answer).await), "AuthFailure.SignatureExpire");
    bench.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::Skew { seconds: -299 })]);
    let task = bench.submit(PURGE, page()).await;
    let listed = bench.call("DescribePurgeTasks", json!({"TaskId": task})).await;
    assert_eq!(listed["PurgeLogs"][0]["CreateTime"], "2026-11-22 11:55:01");
}

#[tokio::test]
async fn rows_can_fail_never_end_or_lie() {
    let target = "https://www.example.com/app.js".to_owned();
    let both = json!({"Urls": [target, "https://www.example.com/b.js"]});
    let fails = |fraction, target| Fault::TaskFails { fraction, target };
    for (fault, expected) in [
        (fails(None, Some(target.clone())), ["fail", "done"]),
        (fails(None, None), ["fail", "fail"]),
        (fails(Some(0.0), None), ["done", "done"]),
        (Fault::NeverDone, ["process", "process"]),
        (Fault::NoEffect, ["done", "done"]),
    ] {
        let bench = struck_by(FaultRule::new(PURGE, fault.clone())).await;
        bench.edge("www.example.com", "/app.js").await;
        bench.submit(PURGE, both.clone()).await;
        bench.clock.advance(Duration::from_secs(3_600));
        let tasks = bench.sandbox.cloud().tasks().await;
        let statuses: Vec<&str> = tasks[0].targets.iter().map(|(_, status)| *status).collect();
        assert_eq!(statuses, expected, "{fault:?}");
        let purged = bench.edge("www.example.com", "/app.js").await.lookup == "Cache Miss";
        assert_eq!(purged, fault == fails(Some(0.0), None), "{fault:?}");
    }
}

#[tokio::test]
async fn a_fraction_of_rows_fails_and_the_same_ones_again() {
    let bench = struck_by(FaultRule::new("*", Fault::TaskFails { fraction: Some(0.3), target: None })).await;
    let urls: Vec<String> = (0..1_000).map(|n| format!("https://www.example.com/{n}")).collect();
    bench.submit(PURGE, json!({"Urls": urls})).await;
    bench.submit(PURGE, json!({"Urls": urls})).await;
    bench.pass_task_time();
    let tasks = bench.sandbox.cloud().tasks().await;
    let failed = tasks[0].targets.iter().filter(|(_, status)| *status == "fail").count();
    assert!((250..350).contains(&failed), "{failed}");
    assert_eq!(tasks[0].targets, tasks[1].targets);
}
