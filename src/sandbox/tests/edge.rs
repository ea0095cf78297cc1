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
    let bench = TestClient::start().await;
    bench.sandbox.cloud().put_origin(content("one")).unwrap();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "one"));
    bench.sandbox.cloud().put_origin(newer).unwrap();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    bench
}

fn directory(flush_type: &str) -> Value {
    json!({"Paths": ["https://www.example.com/"], "FlushType": flush_type})
}

#[tokio::test]
async fn a_url_purge_shows_when_its_row_is_done_and_under_either_scheme() {
    let bench = outdated().await;
    bench.submit("PurgeUrlsCache", json!({"Urls": ["http://www.example.com/a.js"]})).await;
    bench.clock.advance(Duration::from_millis(1_999));
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_directory_delete_drops_what_lies_below() {
    let bench = outdated().await;
    bench.submit("PurgePathCache", directory("delete")).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_directory_flush_refreshes_what_changed_and_keeps_what_did_not() {
    let bench = outdated().await;
    bench.edge(HOST, "/").await;
    bench.submit("PurgePathCache", directory("flush")).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
    assert_eq!(bench.edge(HOST, "/").await.lookup, "Cache Hit");
}

#[tokio::test]
async fn a_flush_misses_a_change_that_kept_its_last_modified() {
    let bench = outdated_as(OriginContent { keep_last_modified: true, ..content("two") }).await;
    bench.submit("PurgePathCache", directory("flush")).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    bench.submit("PurgePathCache", directory("delete")).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Miss", "two"));
}

#[tokio::test]
async fn a_prefetch_fills_the_edge_but_does_not_replace_what_is_there() {
    let bench = outdated().await;
    let prefetch = json!({"Urls": [URL, "https://www.example.com/app.js"]});
    let task = bench.submit("PushUrlsCache", prefetch.clone()).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/app.js").await.lookup, "Cache Hit");
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "one"));
    let rows = bench.call("DescribePushTasks", json!({"TaskId": task})).await;
    assert_eq!(rows["PushLogs"][0]["Status"], "done");
    bench.submit("PurgeUrlsCache", json!({"Urls": [URL]})).await;
    bench.pass_task_time();
    bench.submit("PushUrlsCache", prefetch).await;
    bench.pass_task_time();
    assert_eq!(bench.edge(HOST, "/a.js").await.seen(), (200, "Cache Hit", "two"));
}

#[tokio::test]
async fn effects_come_in_the_order_of_their_times_however_late_one_looks() {
    for (actions, expected) in [
        (["PushUrlsCache", "PurgeUrlsCache"], (200, "Cache Miss", "two")),
        (["PurgeUrlsCache", "PushUrlsCache"], (200, "Cache Hit", "two")),
    ] {
        let bench = outdated().await;
        for action in actions {
            bench.submit(action, json!({"Urls": [URL]})).await;
            bench.clock.advance(Duration::from_secs(5));
        }
        assert_eq!(bench.edge(HOST, "/a.js").await.seen(), expected, "{actions:?}");
    }
}

#[tokio::test]
async fn a_prefetch_is_made_although_whoever_looked_first_went_away() {
    let bench = TestClient::start().await;
    bench.submit("PushUrlsCache", json!({"Urls": ["https://www.example.com/app.js"]})).await;
    bench.pass_task_time();
    // Looked at once, which sends the fetches off, and dropped before the origin answers.
    let mut look = Box::pin(bench.sandbox.cloud().tasks());
    let result = poll_fn(|context| Poll::Ready(look.as_mut().poll(context).is_ready())).await;
    assert!(!result);
    drop(look);
    assert_eq!(bench.sandbox.cloud().tasks().await[0].targets[0].1, "done");
}

#[tokio::test]
async fn queries_are_objects_of_their_own_unless_the_domain_ignores_them() {
    let bench = TestClient::start_with(|options| {
        options.domains.push(Domain { cache_key: CacheKeySetup::without_query(), ..Domain::new("plain.example.com") });
    })
    .await;
    for host in [HOST, "plain.example.com"] {
        bench.sandbox.cloud().put_origin(OriginContent::new(host, "/q", "no query")).unwrap();
        bench.sandbox.cloud().put_origin(OriginContent::new(host, "/q?v=1", "query")).unwrap();
        bench.edge(host, "/q").await;
    }
    assert_eq!(bench.edge(HOST, "/q?v=1").await.seen(), (200, "Cache Miss", "query"));
    assert_eq!(bench.edge("plain.example.com", "/q?v=1").await.seen(), (200, "Cache Hit", "no query"));
}

#[tokio::test]
async fn an_edge_answer_carries_what_support_asks_for() {
    let bench = TestClient::start().await;
    let miss = bench.edge(HOST, "/app.js").await;
    assert_eq!(miss.headers["content-type"], "text/javascript");
    assert_eq!(miss.headers["server"], "NWS_SPMid");
    assert_eq!(miss.headers["last-modified"], "Sun, 22 Nov 2026 03:00:00 GMT");
    assert!(miss.headers.contains_key("etag") && miss.headers.contains_key("x-nws-log-uuid"));
    assert!(!miss.headers.contains_key("age"));
    bench.clock.advance(Duration::from_secs(42));
    let hit = bench.edge(HOST, "/app.js").await;
    assert_eq!((hit.headers["age"].to_str().unwrap(), &hit.headers["etag"]), ("42", &miss.headers["etag"]));
    let head = bench.http.head(format!("http://{}/app.js", bench.sandbox.addresses.edge)).header("host", HOST);
    let head = head.send().await.unwrap();
    assert_eq!(head.headers()["content-length"], hit.body.len().to_string().as_str());
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn the_edge_tells_strangers_missing_files_and_a_dead_origin_apart() {
    let bench = TestClient::start().await;
    assert_eq!(bench.edge("stranger.example.org", "/").await.status, 404);
    assert_eq!(bench.edge(HOST, "/missing").await.lookup, "Cache Miss");
    assert_eq!(bench.edge(HOST, "/missing").await.lookup, "Cache Hit");
    bench.sandbox.cloud().set_switches(Switches { origin_down: true, ..Switches::default() });
    assert_eq!(bench.edge(HOST, "/app.js").await.status, 502);
    bench.sandbox.cloud().set_switches(Switches::default());
    let failing = OriginContent { status: Some(503), ..OriginContent::new(HOST, "/down", "") };
    bench.sandbox.cloud().put_origin(failing).unwrap();
    assert_eq!(bench.edge(HOST, "/down").await.seen(), (503, "Cache Miss", ""));
    assert_eq!(bench.edge(HOST, "/down").await.seen(), (503, "Cache Miss", ""));
}

#[tokio::test]
async fn content_that_forbids_it_is_not_kept() {
    let bench = TestClient::start().await;
    let private = OriginContent { cache_control: Some("private, max-age=0".into()), ..content("one") };
    bench.sandbox.cloud().put_origin(private).unwrap();
    assert_eq!(bench.edge(HOST, "/a.js").await.lookup, "Cache Miss");
    assert_eq!(bench.edge(HOST, "/a.js").await.lookup, "Cache Miss");
}

#[tokio::test]
async fn two_thousand_prefetches_that_fall_due_together_are_settled() {
    let bench = TestClient::start_with(|options| {
        options.quota.prefetches = 2_000;
        options.quota.batch_prefetches = 1_000;
    })
    .await;
    for batch in 0..2 {
        let urls: Vec<String> = (0..1_000).map(|n| format!("https://www.example.com/{batch}/{n}")).collect();
        bench.submit("PushUrlsCache", json!({"Urls": urls})).await;
    }
    bench.pass_task_time();
    let tasks = bench.sandbox.cloud().tasks().await;
    assert!(tasks.iter().flat_map(|task| &task.targets).all(|(_, status)| *status == "invalid"));
}
