//! The control endpoint, and how a sandbox stops.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::client::TestClient;
use crate::clock::SystemClock;
use crate::sandbox::{SandboxOptions, start};

#[tokio::test]
async fn faults_are_replaced_and_read_back() {
    let client = TestClient::start().await;
    let rules = json!([{
        "action": "PurgeUrlsCache",
        "fault": {"kind": "refuse", "code": "InternalError.CdnSystemError", "message": "busy"},
        "times": 1,
    }]);
    assert_eq!(client.control("PUT", "faults", Some(rules.clone())).await, (200, rules.clone()));
    assert_eq!(client.control("GET", "faults", None).await, (200, rules));
    let page = json!({"Urls": ["https://www.example.com/"]});
    assert_eq!(client.code("PurgeUrlsCache", page.clone()).await, "InternalError.CdnSystemError");
    assert_eq!(client.code("PurgeUrlsCache", page).await, "");
    assert_eq!(client.control("PUT", "faults", Some(json!([]))).await, (200, json!([])));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_words() {
    let client = TestClient::start().await;
    for (path, body, word) in [
        ("faults", json!([{"action": "*", "fault": {"kind": "explode"}}]), "explode"),
        ("faults", json!([{"action": "*", "fault": {"kind": "garbage"}, "every": 0}]), "every"),
        ("faults", json!([{"action": "*", "fault": {"kind": "status", "status": 101}}]), "status"),
        ("switches", json!({"weather": "fine"}), "weather"),
        ("quota", json!([{"kind": "urls", "area": "moon"}]), "area"),
        ("origin", json!({"host": "www.example.com", "path": "a", "body": ""}), "path"),
    ] {
        let (status, answer) = client.control("PUT", path, Some(body)).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
}

#[tokio::test]
async fn switches_that_are_not_named_keep_their_setting() {
    let client = TestClient::start().await;
    client.control("PUT", "switches", Some(json!({"call_rate": "window", "listing_delay_millis": 1_500}))).await;
    let (_, switches) = client.control("PUT", "switches", Some(json!({"rows_per_area": true}))).await;
    assert_eq!(switches["call_rate"], "window");
    assert_eq!(switches["listing_delay_millis"], 1_500);
    assert_eq!(client.control("GET", "switches", None).await, (200, switches));
}

#[tokio::test]
async fn someone_else_can_spend_quota() {
    let client = TestClient::start().await;
    let wish = json!([{"kind": "directories", "area": "overseas", "spend": 30, "total": 50, "batch": 5}]);
    let (status, quota) = client.control("PUT", "quota", Some(wish)).await;
    assert_eq!((status, &quota["resets_at"]), (200, &json!(1_795_363_200_000_i64)));
    let changed = json!({
        "kind": "directories", "area": "overseas", "batch": 5, "total": 50, "spent": 30, "available": 20,
    });
    assert_eq!(quota["pools"][3], changed);
    assert_eq!(quota["pools"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn origin_content_is_put_and_deleted() {
    let client = TestClient::start().await;
    let content = json!({"host": "www.example.com", "path": "/new.txt", "body": "new", "content_type": "text/plain"});
    assert_eq!(client.control("PUT", "origin", Some(content)).await.0, 204);
    let page = client.edge("www.example.com", "/new.txt").await;
    assert_eq!(
        (page.seen(), &page.headers["content-type"]),
        ((200, "Cache Miss", "new"), &"text/plain".parse().unwrap())
    );
    let place = json!({"host": "www.example.com", "path": "/new.txt"});
    assert_eq!(client.control("DELETE", "origin", Some(place.clone())).await.0, 204);
    assert_eq!(client.control("DELETE", "origin", Some(place)).await.0, 404);
}

#[tokio::test]
async fn calls_and_tasks_are_told_in_order() {
    let client = TestClient::start().await;
    let task = client.submit("PurgeUrlsCache", json!({"Urls": ["https://www.example.com/"]})).await;
    client.code("PurgeUrlsCache", json!({})).await;
    let (_, calls) = client.control("GET", "calls", None).await;
    assert_eq!((&calls[0]["task_id"], &calls[0]["code"], &calls[0]["items"]), (&json!(task), &Value::Null, &json!(1)));
    assert_eq!((&calls[1]["seq"], &calls[1]["code"]), (&json!(2), &json!("MissingParameter")));
    assert_eq!(client.control("GET", "calls?after=1", None).await.1, json!([calls[1]]));
    client.pass_task_time();
    let tasks = json!([{
        "task_id": task, "kind": "urls", "created_at": 1_795_320_000_000_i64,
        "targets": [{"url": "https://www.example.com/", "status": "done"}],
    }]);
    assert_eq!(client.control("GET", "tasks", None).await.1, tasks);
}

#[tokio::test]
async fn a_cancelled_sandbox_ends_and_closes_its_doors() {
    let shutdown = CancellationToken::new();
    let sandbox =
        start(SandboxOptions::new(std::sync::Arc::new(SystemClock::default())), shutdown.clone()).await.unwrap();
    let addresses = sandbox.addresses;
    shutdown.cancel();
    sandbox.ended().await;
    for address in [addresses.api, addresses.edge, addresses.origin, addresses.control] {
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
