//! That each fault of an API call, and of a response of origin or edge, does what its name says and is logged.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{TestClient, TestPage, code, envelope};
use crate::sandbox::{
    AnswerFault, AnswerRule, CacheConfig, CacheRuleSetup, CacheSetup, DomainChange, Fault, FaultRule, FaultySide,
    OriginContent, OriginSetup, Switch, Switched,
};

const HOST: &str = "www.example.com";
const PURGE: &str = "PurgeUrlsCache";

fn page() -> Value {
    json!({"Urls": ["https://www.example.com/a.js"]})
}

async fn start_with_fault(rule: FaultRule) -> TestClient {
    let client = TestClient::start().await;
    client.sandbox.cloud().set_faults(vec![rule]);
    client
}

async fn tasks_made(client: &TestClient) -> usize {
    client.sandbox.cloud().tasks().await.len()
}

#[tokio::test]
async fn a_refusal_is_told_in_the_envelope_and_nothing_is_done() {
    let fault = Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".into(), message: "no".into() };
    let client = start_with_fault(FaultRule::new("*", fault).host("www.example.com").times(1)).await;
    assert_eq!(client.code(PURGE, json!({"Urls": ["https://static.example.com/"]})).await, "");
    assert_eq!(client.code(PURGE, page()).await, "UnauthorizedOperation.CdnCamUnauthorized");
    assert_eq!(client.code(PURGE, page()).await, "");
    assert_eq!(tasks_made(&client).await, 2);
}

#[tokio::test]
async fn a_lost_answer_leaves_a_task_and_a_dropped_request_none() {
    for (fault, count) in [(Fault::LoseAnswer, 1), (Fault::DropRequest, 0)] {
        let client = start_with_fault(FaultRule::new(PURGE, fault)).await;
        let error = client.send(PURGE, page()).await.unwrap_err();
        assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
        assert_eq!(tasks_made(&client).await, count);
        let call = &client.sandbox.cloud().calls()[0];
        assert_eq!((call.charged, call.task_id.is_some()), (2 * count as u64, count == 1));
        assert_eq!(call.faults, [if count == 1 { "lose_answer" } else { "drop_request" }]);
        assert_eq!(client.code("DescribePurgeQuota", json!({})).await, "");
    }
}

#[tokio::test]
async fn a_gateway_answers_before_or_after_the_cloud() {
    for (after, count) in [(false, 0), (true, 1)] {
        let fault = Fault::Status { status: 502, body: "<html>".into(), after };
        let client = start_with_fault(FaultRule::new(PURGE, fault)).await;
        let answer = client.send(PURGE, page()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (502, "<html>"));
        assert_eq!(tasks_made(&client).await, count);
    }
}

#[tokio::test]
async fn an_answer_can_be_garbage_broken_or_endless() {
    let client = start_with_fault(FaultRule::new(PURGE, Fault::Garbage)).await;
    let garbage = client.send(PURGE, page()).await.unwrap();
    assert_eq!(garbage.status(), 200);
    assert!(garbage.json::<Value>().await.is_err());

    client.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::Truncate)]);
    let broken = client.send(PURGE, page()).await.unwrap();
    assert_eq!(broken.status(), 200);
    assert!(broken.bytes().await.is_err());

    client.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::EndlessBody)]);
    let mut endless = client.send(PURGE, page()).await.unwrap();
    let mut length = 0;
    while length < 16 << 20 {
        length += endless.chunk().await.unwrap().expect("an endless body does not end").len();
    }
    assert_eq!(tasks_made(&client).await, 3);
}

#[tokio::test]
async fn a_slow_answer_waits_for_the_clock() {
    let client = start_with_fault(FaultRule::new(PURGE, Fault::Slow { delay: Duration::from_secs(30) })).await;
    let purge = page();
    let slow = client.call(PURGE, purge);
    tokio::pin!(slow);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut slow).await.is_err());
    assert_eq!(tasks_made(&client).await, 1);
    client.clock.advance(Duration::from_secs(30));
    assert!(slow.await["TaskId"].is_string());
}

#[tokio::test]
async fn a_task_can_be_listed_late() {
    let delay = Duration::from_secs(30);
    let client = start_with_fault(FaultRule::new(PURGE, Fault::LateListing { delay }).times(1)).await;
    let task = client.submit(PURGE, page()).await;
    let listed = async || client.call("DescribePurgeTasks", json!({"TaskId": task})).await["TotalCount"].clone();
    client.clock.advance(Duration::from_millis(29_999));
    assert_eq!(listed().await, 0);
    client.clock.advance(Duration::from_millis(1));
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn a_skewed_cloud_refuses_dates_and_records_by_its_own_clock() {
    let client = start_with_fault(FaultRule::new("*", Fault::Skew { seconds: 301 })).await;
    let answer = client.send(PURGE, page()).await.unwrap();
    assert_eq!(answer.headers()["date"], "Sun, 22 Nov 2026 04:05:01 GMT");
    assert_eq!(code(&envelope(answer).await), "AuthFailure.SignatureExpire");
    client.sandbox.cloud().set_faults(vec![FaultRule::new(PURGE, Fault::Skew { seconds: -299 })]);
    let task = client.submit(PURGE, page()).await;
    let listed = client.call("DescribePurgeTasks", json!({"TaskId": task})).await;
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
        let client = start_with_fault(FaultRule::new(PURGE, fault.clone())).await;
        client.edge("www.example.com", "/app.js").await;
        client.submit(PURGE, both.clone()).await;
        client.clock.advance(Duration::from_secs(3_600));
        let tasks = client.sandbox.cloud().tasks().await;
        let statuses: Vec<&str> = tasks[0].targets.iter().map(|(_, status)| *status).collect();
        assert_eq!(statuses, expected, "{fault:?}");
        let purged = client.edge("www.example.com", "/app.js").await.lookup == "Cache Miss";
        assert_eq!(purged, fault == fails(Some(0.0), None), "{fault:?}");
    }
}

#[tokio::test]
async fn a_fraction_of_rows_fails_and_the_same_ones_again() {
    let client = start_with_fault(FaultRule::new("*", Fault::TaskFails { fraction: Some(0.3), target: None })).await;
    let urls: Vec<String> = (0..1_000).map(|n| format!("https://www.example.com/{n}")).collect();
    client.submit(PURGE, json!({"Urls": urls})).await;
    client.submit(PURGE, json!({"Urls": urls})).await;
    client.pass_task_time();
    let tasks = client.sandbox.cloud().tasks().await;
    let failed = tasks[0].targets.iter().filter(|(_, status)| *status == "fail").count();
    assert!((250..350).contains(&failed), "{failed}");
    assert_eq!(tasks[0].targets, tasks[1].targets);
}

fn content(body: &str) -> OriginContent {
    OriginContent::new(HOST, "/a.js", body)
}

async fn origin(client: &TestClient, host: &str, path: &str) -> TestPage {
    let url = format!("http://{}{path}", client.sandbox.addresses.origin);
    TestPage::read(client.http.get(url).header("host", host).send().await.unwrap()).await
}

fn set(client: &TestClient, rule: AnswerRule) {
    client.sandbox.cloud().set_answers(vec![rule]).unwrap();
}

fn at_origin(fault: AnswerFault) -> AnswerRule {
    AnswerRule::new(FaultySide::Origin, HOST, fault)
}

#[tokio::test]
async fn an_origin_can_refuse_the_cdn_alone() {
    let client = TestClient::start().await;
    let refusal = AnswerFault::Status { status: 403, body: "no robots".to_owned() };
    set(&client, at_origin(refusal).user_agent("TencentCdn").path("/img/"));
    assert_eq!(origin(&client, HOST, "/img/logo.svg").await.status, 200);
    assert_eq!(client.edge(HOST, "/img/logo.svg").await.seen(), (403, "Cache Miss", "no robots"));
    assert_eq!(client.edge(HOST, "/app.js").await.status, 200);
}

#[tokio::test]
async fn an_origin_can_close_or_keep_silent() {
    let client = TestClient::start().await;
    set(&client, at_origin(AnswerFault::Close));
    assert_eq!(client.edge(HOST, "/app.js").await.status, 502);
    let url = format!("http://{}/", client.sandbox.addresses.origin);
    let request = || client.http.get(&url).header("host", HOST).timeout(Duration::from_millis(300)).send();
    assert!(!request().await.unwrap_err().is_timeout());
    set(&client, at_origin(AnswerFault::Hang));
    assert!(request().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_slow_origin_is_slow_by_the_sandboxs_clock() {
    let client = TestClient::start().await;
    set(&client, at_origin(AnswerFault::Slow { millis: 30_000 }));
    let answered = origin(&client, HOST, "/app.js");
    tokio::pin!(answered);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut answered).await;
    assert!(early.is_err());
    client.clock.advance(Duration::from_secs(30));
    assert_eq!(answered.await.status, 200);
}

#[tokio::test]
async fn an_origin_can_serve_what_it_had_before() {
    let client = TestClient::start().await;
    client.sandbox.cloud().put_origin(content("one")).unwrap();
    client.sandbox.cloud().put_origin(content("two")).unwrap();
    assert_eq!(origin(&client, HOST, "/a.js").await.body, "two");
    set(&client, at_origin(AnswerFault::OldContent));
    assert_eq!(origin(&client, HOST, "/a.js").await.body, "one");
    assert_eq!(client.edge(HOST, "/a.js").await.body, "one");
}

#[tokio::test]
async fn headers_can_be_taken_away_and_put_on() {
    let client = TestClient::start().await;
    set(&client, at_origin(AnswerFault::WithoutValidators));
    let page = origin(&client, HOST, "/app.js").await;
    assert!(!page.headers.contains_key("etag") && !page.headers.contains_key("last-modified"));
    let rules = json!([{"at": "origin", "host": HOST, "path": "/app.js", "fault": {"kind": "headers", "headers": {
        "cache-control": "max-age=60", "set-cookie": "a=b", "vary": "Accept-Language",
    }}}]);
    assert_eq!(client.control("PUT", "answers", Some(rules.clone())).await, (200, rules.clone()));
    assert_eq!(client.control("GET", "answers", None).await, (200, rules));
    let page = client.edge(HOST, "/app.js").await;
    for (name, value) in [("cache-control", "max-age=60"), ("set-cookie", "a=b"), ("vary", "Accept-Language")] {
        assert_eq!(page.headers[name], value);
    }
    // A personal answer is nobody else's.
    assert_eq!(client.edge(HOST, "/app.js").await.lookup, "Cache Miss");
}

#[tokio::test]
async fn redirects_are_passed_on_or_followed_until_they_run_in_circles() {
    let client = TestClient::start().await;
    let redirect = |location: &str| AnswerFault::Redirect { location: location.to_owned(), status: 301 };
    set(&client, at_origin(redirect("/app.js")).path("/old"));
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let edge = |path: &str| {
        let url = format!("http://{}{path}", client.sandbox.addresses.edge);
        let request = http.get(url).header("host", HOST);
        async { TestPage::read(request.send().await.unwrap()).await }
    };
    let page = edge("/old").await;
    assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (301, "/app.js"));
    let follow = Some(Switched { switch: Switch::On });
    let change = DomainChange { domain: HOST.to_owned(), follow_redirect: follow, ..DomainChange::default() };
    client.sandbox.cloud().change_domains(vec![change]).unwrap();
    assert_eq!(edge("/old").await.status, 200);
    set(&client, at_origin(redirect("https://elsewhere.example.org/")).path("/old"));
    assert_eq!(edge("/old?").await.status, 301);
    set(&client, at_origin(AnswerFault::RedirectToItself));
    assert_eq!(edge("/round").await.status, 423);
}

#[tokio::test]
async fn an_origin_asked_by_another_host_than_it_is_configured_for_serves_something_else() {
    let client = TestClient::start().await;
    let origin_setup = OriginSetup { server_name: Some("shop.internal".to_owned()), ..OriginSetup::default() };
    let change = DomainChange { domain: HOST.to_owned(), origin: Some(origin_setup), ..DomainChange::default() };
    client.sandbox.cloud().change_domains(vec![change]).unwrap();
    assert!(origin(&client, HOST, "/app.js").await.body.starts_with("It works!"));
    assert!(origin(&client, "shop.internal", "/app.js").await.body.contains("version 1"));
    assert!(client.edge(HOST, "/app.js").await.body.contains("version 1"));
}

#[tokio::test]
async fn an_edge_can_refuse_by_itself_and_still_says_who_it_is() {
    let client = TestClient::start().await;
    let limited = AnswerFault::Status { status: 514, body: String::new() };
    set(&client, AnswerRule::new(FaultySide::Edge, HOST, limited));
    let page = client.edge(HOST, "/app.js").await;
    assert_eq!(page.status, 514);
    assert!(page.headers.contains_key("x-nws-log-uuid"));
}

#[tokio::test]
async fn a_copy_that_has_expired_is_checked_with_the_origin() {
    let client = TestClient::start().await;
    let cache = CacheSetup { rule_cache: vec![CacheRuleSetup::all(CacheConfig::keep(60))] };
    let change = DomainChange { domain: HOST.to_owned(), cache: Some(cache), ..DomainChange::default() };
    client.sandbox.cloud().change_domains(vec![change]).unwrap();
    client.sandbox.cloud().put_origin(content("one")).unwrap();
    client.edge(HOST, "/a.js").await;
    client.sandbox.cloud().put_origin(content("two")).unwrap();
    client.clock.advance(Duration::from_secs(59));
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    client.clock.advance(Duration::from_secs(1));
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}
