//! Faults of origin and edge between a question of HTTP and its answer.

use std::time::Duration;

use serde_json::json;

use super::client::{TestClient, TestPage};
use crate::sandbox::{
    AnswerFault, AnswerRule, CacheConfig, CacheRuleSetup, CacheSetup, DomainChange, FaultySide, OriginContent,
    OriginSetup, Switch, Switched,
};

const HOST: &str = "www.example.com";

fn content(body: &str) -> OriginContent {
    OriginContent::new(HOST, "/a.js", body)
}

async fn origin(bench: &TestClient, host: &str, path: &str) -> TestPage {
    let url = format!("http://{}{path}", bench.sandbox.addresses.origin);
    TestPage::read(bench.http.get(url).header("host", host).send().await.unwrap()).await
}

fn set(bench: &TestClient, rule: AnswerRule) {
    bench.sandbox.cloud().set_answers(vec![rule]).unwrap();
}

fn at_origin(fault: AnswerFault) -> AnswerRule {
    AnswerRule::new(FaultySide::Origin, HOST, fault)
}

#[tokio::test]
async fn an_origin_can_refuse_the_cdn_alone() {
    let bench = TestClient::start().await;
    let refusal = AnswerFault::Status { status: 403, body: "no robots".to_owned() };
    set(&bench, at_origin(refusal).user_agent("TencentCdn").path("/img/"));
    assert_eq!(origin(&bench, HOST, "/img/logo.svg").await.status, 200);
    assert_eq!(bench.edge(HOST, "/img/logo.svg").await.seen(), (403, "Cache Miss", "no robots"));
    assert_eq!(bench.edge(HOST, "/app.js").await.status, 200);
}

#[tokio::test]
async fn an_origin_can_close_or_keep_silent() {
    let bench = TestClient::start().await;
    set(&bench, at_origin(AnswerFault::Close));
    assert_eq!(bench.edge(HOST, "/app.js").await.status, 502);
    let url = format!("http://{}/", bench.sandbox.addresses.origin);
    let request = || bench.http.get(&url).header("host", HOST).timeout(Duration::from_millis(300)).send();
    assert!(!request().await.unwrap_err().is_timeout());
    set(&bench, at_origin(AnswerFault::Hang));
    assert!(request().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_slow_origin_is_slow_by_the_sandboxs_clock() {
    let bench = TestClient::start().await;
    set(&bench, at_origin(AnswerFault::Slow { millis: 30_000 }));
    let answered = origin(&bench, HOST, "/app.js");
    tokio::pin!(answered);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut answered).await;
    assert!(early.is_err());
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(answered.await.status, 200);
}

#[tokio::test]
async fn an_origin_can_serve_what_it_had_before() {
    let bench = TestClient::start().await;
    bench.sandbox.cloud().put_origin(content("one")).unwrap();
    bench.sandbox.cloud().put_origin(content("two")).unwrap();
    assert_eq!(origin(&bench, HOST, "/a.js").await.body, "two");
    set(&bench, at_origin(AnswerFault::OldContent));
    assert_eq!(origin(&bench, HOST, "/a.js").await.body, "one");
    assert_eq!(bench.edge(HOST, "/a.js").await.body, "one");
}

#[tokio::test]
async fn headers_can_be_taken_away_and_put_on() {
    let bench = TestClient::start().await;
    set(&bench, at_origin(AnswerFault::WithoutValidators));
    let page = origin(&bench, HOST, "/app.js").await;
    assert!(!page.headers.contains_key("etag") && !page.headers.contains_key("last-modified"));
    let rules = json!([{"at": "origin", "host": HOST, "path": "/app.js", "fault": {"kind": "headers", "headers": {
        "cache-control": "max-age=60", "set-cookie": "a=b", "vary": "Accept-Language",
    }}}]);
    assert_eq!(bench.control("PUT", "answers", Some(rules.clone())).await, (200, rules.clone()));
    assert_eq!(bench.control("GET", "answers", None).await, (200, rules));
    let page = bench.edge(HOST, "/app.js").await;
    for (name, value) in [("cache-control", "max-age=60"), ("set-cookie", "a=b"), ("vary", "Accept-Language")] {
        assert_eq!(page.headers[name], value);
    }
    // A personal answer is nobody else's.
    assert_eq!(bench.edge(HOST, "/app.js").await.lookup, "Cache Miss");
}

#[tokio::test]
async fn redirects_are_passed_on_or_followed_until_they_run_in_circles() {
    let bench = TestClient::start().await;
    let redirect = |location: &str| AnswerFault::Redirect { location: location.to_owned(), status: 301 };
    set(&bench, at_origin(redirect("/app.js")).path("/old"));
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let edge = |path: &str| {
        let url = format!("http://{}{path}", bench.sandbox.addresses.edge);
        let request = client.get(url).header("host", HOST);
        async { TestPage::read(request.send().await.unwrap()).await }
    };
    let page = edge("/old").await;
    assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (301, "/app.js"));
    let follow = Some(Switched { switch: Switch::On });
    let change = DomainChange { domain: HOST.to_owned(), follow_redirect: follow, ..DomainChange::default() };
    bench.sandbox.cloud().change_domains(vec![change]).unwrap();
    assert_eq!(edge("/old").await.status, 200);
    set(&bench, at_origin(redirect("https://elsewhere.example.org/")).path("/old"));
    assert_eq!(edge("/old?").await.status, 301);
    set(&bench, at_origin(AnswerFault::RedirectToItself));
    assert_eq!(edge("/round").await.status, 423);
}

#[tokio::test]
async fn an_origin_asked_by_another_host_than_it_is_configured_for_serves_something_else() {
    let bench = TestClient::start().await;
    let origin_setup = OriginSetup { server_name: Some("shop.internal".to_owned()), ..OriginSetup::default() };
    let change = DomainChange { domain: HOST.to_owned(), origin: Some(origin_setup), ..DomainChange::default() };
    bench.sandbox.cloud().change_domains(vec![change]).unwrap();
    assert!(origin(&bench, HOST, "/app.js").await.body.starts_with("It works!"));
    assert!(origin(&bench, "shop.internal", "/app.js").await.body.contains("version 1"));
    assert!(bench.edge(HOST, "/app.js").await.body.contains("version 1"));
}

#[tokio::test]
async fn an_edge_can_refuse_by_itself_and_still_says_who_it_is() {
    let bench = TestClient::start().await;
    let limited = AnswerFault::Status { status: 514, body: String::new() };
    set(&bench, AnswerRule::new(FaultySide::Edge, HOST, limited));
    let page = bench.edge(HOST, "/app.js").await;
    assert_eq!(page.status, 514);
    assert!(page.headers.contains_key("x-nws-log-uuid"));
}

#[tokio::test]
async fn a_copy_that_has_expired_is_checked_with_the_origin() {
    let bench = TestClient::start().await;
    let cache = CacheSetup { rule_cache: vec![CacheRuleSetup::all(CacheConfig::keep(60))] };
    let change = DomainChange { domain: HOST.to_owned(), cache: Some(cache), ..DomainChange::default() };
    bench.sandbox.cloud().change_domains(vec![change]).unwrap();
    bench.sandbox.cloud().put_origin(content("one")).unwrap();
    bench.edge(HOST, "/a.js").await;
    bench.sandbox.cloud().put_origin(content("two")).unwrap();
    bench.clock.advance(Duration::from_secs(59));
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}
