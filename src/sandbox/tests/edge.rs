//! That purges and prefetches visibly change what the edge serves.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::TestClient;
use crate::sandbox::{CacheKeySetup, Domain, OriginContent, Switches};

const HOST: &str = "www.example.com";
const URL: &str = "https://www.example.com/a.js";

fn content(body: &str) -> OriginContent {
    OriginContent::new(HOST, "/a.js", body)
}

/// The edge holds version 1 of `/a.js`, the origin has version 2.
async fn outdated() -> TestClient {
    outdated_as(content("two")).await
}

async fn outdated_as(newer: OriginContent) -> TestClient {
    let client = TestClient::start().await;
    client.sandbox.cloud().put_origin(content("one")).unwrap();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "one"));
    client.sandbox.cloud().put_origin(newer).unwrap();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    client
}

fn directory(flush_type: &str) -> Value {
    json!({"Paths": ["https://www.example.com/"], "FlushType": flush_type})
}

#[tokio::test]
async fn a_url_purge_shows_when_its_row_is_done_and_under_either_scheme() {
    let client = outdated().await;
    client.submit("PurgeUrlsCache", json!({"Urls": ["http://www.example.com/a.js"]})).await;
    client.clock.advance(Duration::from_millis(1_999));
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_directory_delete_drops_what_lies_below() {
    let client = outdated().await;
    client.submit("PurgePathCache", directory("delete")).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_directory_flush_refreshes_what_changed_and_keeps_what_did_not() {
    let client = outdated().await;
    client.edge(HOST, "/").await;
    client.submit("PurgePathCache", directory("flush")).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
    assert_eq!(client.edge(HOST, "/").await.lookup, "Cache Hit");
}

#[tokio::test]
async fn a_flush_misses_a_change_that_kept_its_last_modified() {
    let client = outdated_as(OriginContent { keep_last_modified: true, ..content("two") }).await;
    client.submit("PurgePathCache", directory("flush")).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    client.submit("PurgePathCache", directory("delete")).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_prefetch_fills_the_edge_but_does_not_replace_what_is_there() {
    let client = outdated().await;
    let prefetch = json!({"Urls": [URL, "https://www.example.com/app.js"]});
    let task = client.submit("PushUrlsCache", prefetch.clone()).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/app.js").await.lookup, "Cache Hit");
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    let rows = client.call("DescribePushTasks", json!({"TaskId": task})).await;
    assert_eq!(rows["PushLogs"][0]["Status"], "done");
    client.submit("PurgeUrlsCache", json!({"Urls": [URL]})).await;
    client.pass_task_time();
    client.submit("PushUrlsCache", prefetch).await;
    client.pass_task_time();
    assert_eq!(client.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "two"));
}

#[tokio::test]
async fn effects_come_in_the_order_of_their_times_however_late_one_looks() {
    for (actions, expected) in [
        (["PushUrlsCache", "PurgeUrlsCache"], (200, "Cache Miss", "two")),
        (["PurgeUrlsCache", "PushUrlsCache"], (200, "Cache Hit", "two")),
    ] {
        let client = outdated().await;
        for action in actions {
            client.submit(action, json!({"Urls": [URL]})).await;
            client.clock.advance(Duration::from_secs(5));
        }
        assert_eq!(client.edge(HOST, "/a.js").await.seen(), expected, "{actions:?}");
    }
}

#[tokio::test]
async fn a_prefetch_is_made_although_whoever_looked_first_went_away() {
    let client = TestClient::start().await;
    client.submit("PushUrlsCache", json!({"Urls": ["https://www.example.com/app.js"]})).await;
    client.pass_task_time();
    // Looked at once, which sends the fetches off, and dropped before the origin answers.
    let mut look = Box::pin(client.sandbox.cloud().tasks());
    let result = poll_fn(|context| Poll::Ready(look.as_mut().poll(context).is_ready())).await;
    assert!(!result);
    drop(look);
    assert_eq!(client.sandbox.cloud().tasks().await[0].targets[0].1, "done");
}

#[tokio::test]
async fn queries_are_objects_of_their_own_unless_the_domain_ignores_them() {
    let client = TestClient::start_with(|options| {
        options.domains.push(Domain { cache_key: CacheKeySetup::without_query(), ..Domain::new("plain.example.com") });
    })
    .await;
    for host in [HOST, "plain.example.com"] {
        client.sandbox.cloud().put_origin(OriginContent::new(host, "/q", "no query")).unwrap();
        client.sandbox.cloud().put_origin(OriginContent::new(host, "/q?v=1", "query")).unwrap();
        client.edge(host, "/q").await;
    }
    assert_eq!(client.edge(HOST, "/q?v=1").await.seen(), (200, "Cache Miss", "query"));
    assert_eq!(client.edge("plain.example.com", "/q?v=1").await.seen(), (200, "Cache Hit", "no query"));
}

#[tokio::test]
async fn an_edge_answer_carries_what_support_asks_for() {
    let client = TestClient::start().await;
    let miss = client.edge(HOST, "/app.js").await;
    assert_eq!(miss.headers["content-type"], "text/javascript");
    assert_eq!(miss.headers["server"], "NWS_SPMid");
    assert_eq!(miss.headers["last-modified"], "Sun, 22 Nov 2026 03:00:00 GMT");
    assert!(miss.headers.contains_key("etag") && miss.headers.contains_key("x-nws-log-uuid"));
    assert!(!miss.headers.contains_key("age"));
    client.clock.advance(Duration::from_secs(42));
    let hit = client.edge(HOST, "/app.js").await;
    assert_eq!((hit.headers["age"].to_str().unwrap(), &hit.headers["etag"]), ("42", &miss.headers["etag"]));
    let head = client.http.head(format!("http://{}/app.js", client.sandbox.addresses.edge)).header("host", HOST);
    let head = head.send().await.unwrap();
    assert_eq!(head.headers()["content-length"], hit.body.len().to_string().as_str());
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn the_edge_tells_strangers_missing_files_and_a_dead_origin_apart() {
    let client = TestClient::start().await;
    assert_eq!(client.edge("stranger.example.org", "/").await.status, 404);
    assert_eq!(client.edge(HOST, "/missing").await.lookup, "Cache Miss");
    assert_eq!(client.edge(HOST, "/missing").await.lookup, "Cache Hit");
    client.sandbox.cloud().set_switches(Switches { origin_down: true, ..Switches::default() });
    assert_eq!(client.edge(HOST, "/app.js").await.status, 502);
    client.sandbox.cloud().set_switches(Switches::default());
    let failing = OriginContent { status: Some(503), ..OriginContent::new(HOST, "/down", "") };
    client.sandbox.cloud().put_origin(failing).unwrap();
    assert_eq!(client.edge(HOST, "/down").await.seen(), (503, "Cache Miss", ""));
    assert_eq!(client.edge(HOST, "/down").await.seen(), (503, "Cache Miss", ""));
}

#[tokio::test]
async fn content_that_forbids_it_is_not_kept() {
    let client = TestClient::start().await;
    let private = OriginContent { cache_control: Some("private, max-age=0".into()), ..content("one") };
    client.sandbox.cloud().put_origin(private).unwrap();
    assert_eq!(client.edge(HOST, "/a.js").await.lookup, "Cache Miss");
    assert_eq!(client.edge(HOST, "/a.js").await.lookup, "Cache Miss");
}

#[tokio::test]
async fn two_thousand_prefetches_that_fall_due_together_are_settled() {
    let client = TestClient::start_with(|options| {
        options.quota.prefetches = 2_000;
        options.quota.batch_prefetches = 1_000;
    })
    .await;
    for batch in 0..2 {
        let urls: Vec<String> = (0..1_000).map(|n| format!("https://www.example.com/{batch}/{n}")).collect();
        client.submit("PushUrlsCache", json!({"Urls": urls})).await;
    }
    client.pass_task_time();
    let tasks = client.sandbox.cloud().tasks().await;
    assert!(tasks.iter().flat_map(|task| &task.targets).all(|(_, status)| *status == "invalid"));
}
