//! Answers by who asks and by whose turn it is, and the ways in which a body can be sent.

use std::time::Duration;

use reqwest::{Error, Response};
use serde_json::{Value, json};

use super::client::{TestClient, TestPage};
use crate::sandbox::OriginContent;

const HOST: &str = "www.example.com";

async fn with_rules(rules: Value) -> TestClient {
    let client = TestClient::start().await;
    assert_eq!(client.control("PUT", "answers", Some(rules.clone())).await, (200, rules));
    client
}

fn rule(more: &Value) -> Value {
    let mut rule = json!({"at": "origin", "host": HOST});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

async fn send(client: &TestClient, headers: &[(&str, &str)]) -> Result<Response, Error> {
    let url = format!("http://{}/app.js", client.sandbox.addresses.origin);
    let request = client.http.get(url).header("host", HOST);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await
}

async fn ask(client: &TestClient, headers: &[(&str, &str)]) -> TestPage {
    TestPage::read(send(client, headers).await.unwrap()).await
}

#[tokio::test]
async fn content_is_by_user_agent_and_cookie_and_says_what_it_was_asked() {
    let content = |body: &str| json!({"kind": "content", "body": body, "status": 200, "headers": {"x-path": "{path}"}});
    let client = with_rules(json!([
        rule(&json!({"user_agent": "Mobile", "fault": content("small {agent}")})),
        rule(&json!({"cookie": "group=b", "fault": content("b {cookie}")})),
        rule(&json!({"fault": content("{nonce}")})),
    ]))
    .await;
    let page = ask(&client, &[("user-agent", "A Mobile")]).await;
    assert_eq!((page.body.as_str(), page.headers["x-path"].to_str().unwrap()), ("small A Mobile", "/app.js"));
    assert_eq!(ask(&client, &[("cookie", "x=y; group=b")]).await.body, "b x=y; group=b");
    assert_ne!(ask(&client, &[]).await.body, ask(&client, &[]).await.body);
}

#[tokio::test]
async fn the_edge_passes_the_visitor_on_if_it_is_told_to() {
    let content =
        json!({"kind": "content", "body": "{agent}", "status": 200, "headers": {"cache-control": "no-store"}});
    let client = with_rules(json!([rule(&json!({"fault": content}))])).await;
    assert_eq!(client.edge(HOST, "/app.js").await.body, "TencentCdn");
    client.control("PUT", "switches", Some(json!({"visitor_passed": true}))).await;
    let url = format!("http://{}/app.js", client.sandbox.addresses.edge);
    let request = client.http.get(url).header("host", HOST).header("user-agent", "a person");
    assert_eq!(TestPage::read(request.send().await.unwrap()).await.body, "a person");
}

#[tokio::test]
async fn one_of_two_machines_answers_every_other_request_and_rules_can_add_up() {
    let client = with_rules(json!([
        rule(&json!({"more": true, "fault": {"kind": "headers", "headers": {"x-by": "balancer"}}})),
        rule(&json!({"every": 2, "times": 2, "fault": {"kind": "status", "status": 503, "body": "two"}})),
    ]))
    .await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let page = ask(&client, &[]).await;
        assert_eq!(page.headers["x-by"], "balancer");
        seen.push(page.status);
    }
    assert_eq!(seen, [200, 503, 200, 503, 200, 200]);
    let never = json!([rule(&json!({"every": 0, "fault": {"kind": "close"}}))]);
    assert_eq!(client.control("PUT", "answers", Some(never)).await.0, 400);
}

#[tokio::test]
async fn a_body_is_compressed_for_whoever_takes_it_and_differs_each_second() {
    for encoding in ["gzip", "br"] {
        let client = with_rules(json!([rule(&json!({"fault": {"kind": "compressed", "encoding": encoding}}))])).await;
        let plain = ask(&client, &[]).await;
        assert!(!plain.headers.contains_key("content-encoding"));
        assert_eq!(plain.headers["vary"], "Accept-Encoding");
        let packed = send(&client, &[("accept-encoding", "gzip, br")]).await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], encoding);
        let weak = format!("W/{}", plain.headers["etag"].to_str().unwrap());
        assert_eq!(packed.headers()["etag"], weak.as_str());
        let first = packed.bytes().await.unwrap();
        assert!(first.windows(plain.body.len()).any(|part| part == plain.body.as_bytes()));
        client.clock.advance(Duration::from_secs(1));
        let second = send(&client, &[("accept-encoding", "gzip, br")]).await.unwrap().bytes().await.unwrap();
        assert_eq!(first == second, encoding == "br");
    }
}

#[tokio::test]
async fn a_body_can_come_in_chunks_slowly_or_not_whole() {
    let client = with_rules(json!([rule(&json!({"fault": {"kind": "chunked"}}))])).await;
    let page = ask(&client, &[]).await;
    assert!(page.body.contains("version 1") && !page.headers.contains_key("content-length"));
    let client = with_rules(json!([rule(&json!({"fault": {"kind": "broken_body"}}))])).await;
    assert!(send(&client, &[]).await.unwrap().bytes().await.is_err());
    assert_eq!(client.edge(HOST, "/app.js").await.status, 502);
    let client = with_rules(json!([rule(&json!({"fault": {"kind": "slow_body", "millis": 1000}}))])).await;
    let page = ask(&client, &[]);
    tokio::pin!(page);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut page).await;
    assert!(early.is_err());
    let page = loop {
        client.clock.advance(Duration::from_secs(1));
        if let Ok(page) = tokio::time::timeout(Duration::from_millis(20), &mut page).await {
            break page;
        }
    };
    assert!(page.body.contains("version 1"));
}

#[tokio::test]
async fn hits_and_misses_are_worded_as_the_provider_words_them() {
    let client = TestClient::start().await;
    for (words, missed, hit) in [
        ("list", vec!["Cache Miss, Hit From Inner Cluster"], "Hit From MemCache"),
        ("repeated", vec!["Hit From Upstream", "Cache Miss", "Hit From Inner Cluster"], "Hit From Disktank3"),
    ] {
        client.control("PUT", "switches", Some(json!({"cache_lookup": words}))).await;
        let path = format!("/{words}");
        client.sandbox.cloud().put_origin(OriginContent::new(HOST, &path, "x")).unwrap();
        let page = client.edge(HOST, &path).await;
        assert_eq!(page.headers.get_all("x-cache-lookup").iter().collect::<Vec<_>>(), missed);
        assert_eq!(client.edge(HOST, &path).await.lookup, hit);
    }
}

#[tokio::test]
async fn a_query_that_nobody_put_content_for_changes_nothing() {
    let client = TestClient::start().await;
    client.sandbox.cloud().put_origin(OriginContent::new(HOST, "/app.js?v=2", "two")).unwrap();
    assert_eq!(client.edge(HOST, "/app.js?v=2").await.body, "two");
    let other = client.edge(HOST, "/app.js?v=3").await;
    assert_eq!((other.status, other.body), (200, client.edge(HOST, "/app.js").await.body));
    assert_eq!(client.edge(HOST, "/none?v=3").await.status, 404);
}
