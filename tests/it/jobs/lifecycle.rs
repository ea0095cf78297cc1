//! A job from end to end: from HTTP to verified fresh, on real sockets and a real database file.

use std::time::Duration;

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_goes_from_http_to_proved_fresh() {
    let world = World::start().await;
    world.origin("/app.js", "one");
    assert_eq!(world.visit("/app.js").await, "one");
    world.origin("/app.js", "two");
    assert_eq!(world.visit("/app.js").await, "one", "the edge serves what it has");

    world.origin("/img/a.svg", "old");
    assert_eq!(world.visit("/img/a.svg").await, "old");
    world.origin("/img/a.svg", "new");
    // The directory is done long after the URLs are.
    let slow = Fault::Slow { delay: Duration::from_secs(2) };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgePathCache", slow).times(1)]);

    let body = json!({
        "operation": "refresh",
        "urls": ["http://www.example.com/app.js", "http://www.example.com/img/a.svg"],
        "directories": ["http://www.example.com/img/"],
    });
    let accepted = world.post(&body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    assert_eq!(accepted.body["status"], "pending");
    let id = accepted.body["id"].as_str().expect("an id");
    assert_eq!(accepted.headers["location"], format!("/v1/jobs/{id}"));

    let job = world.proved(id).await;
    assert_eq!((&job["status"], &job["verification"]), (&json!("succeeded"), &json!("fresh")), "{job}");
    assert_eq!(job["counts"]["total"], 5);
    assert_eq!(world.visit("/app.js").await, "two");
    assert_eq!(world.visit("/img/a.svg").await, "new");
    the_history_tells_each_fact(&world, id).await;
    world.end().await;
}

async fn the_history_tells_each_fact(world: &World, id: &str) {
    let events = world.get(&format!("/v1/jobs/{id}/events")).await.body;
    let kinds: Vec<&str> =
        events["items"].as_array().expect("events").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert_eq!(kinds.first(), Some(&"accepted"));
    assert_eq!(kinds.last(), Some(&"verified"), "{kinds:?}");
    for kind in ["claimed", "submitted", "settled", "finished"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let items = world.get(&format!("/v1/jobs/{id}/items")).await.body;
    let items = items["items"].as_array().expect("items");
    assert_eq!(items.len(), 5);
    for item in items {
        assert_eq!((&item["state"], &item["attempts"]), (&json!("succeeded"), &json!(1)), "{item}");
        assert!(item["task_id"].is_string() && item["request_id"].is_string(), "{item}");
    }
    each_prefetch_left_after_its_purges(world, events["items"].as_array().expect("events"), items);
}

/// Law 6: the task of each purge that covers a URL, its own and its directory's, was done before its prefetch was sent.
fn each_prefetch_left_after_its_purges(world: &World, events: &[Value], items: &[Value]) {
    let told = |kind: &str, item: &Value| {
        let found = events.iter().position(|event| event["kind"] == kind && event["task_id"] == item["task_id"]);
        found.unwrap_or_else(|| panic!("{kind} of {item} in {events:?}"))
    };
    let calls = world.sandbox.cloud().calls();
    let called = |item: &Value| {
        let found = calls.iter().position(|call| call.task_id.as_deref() == item["task_id"].as_str());
        found.unwrap_or_else(|| panic!("{item} in {calls:?}"))
    };
    let target = |item: &Value| item["target"].as_str().expect("a target").to_owned();
    let mut pairs = 0;
    for prefetch in items.iter().filter(|item| item["operation"] == "prefetch") {
        let covers = |purge: &&Value| match target(purge) {
            directory if directory.ends_with('/') => target(prefetch).starts_with(&directory),
            url => url == target(prefetch),
        };
        for purge in items.iter().filter(|item| item["operation"] == "purge").filter(covers) {
            assert!(told("settled", purge) < told("submitted", prefetch), "{prefetch} before {purge} was done");
            assert!(called(purge) < called(prefetch), "{prefetch} was called before {purge}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 3, "two URLs, and the directory above one of them: {items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_urls_leave_in_full_batches_within_every_limit() {
    // All of the day's quota, of which nothing is kept for urgent work.
    let world = World::with(|_| (), "quota.reserve = 0").await;
    let mut ids = Vec::new();
    for job in 0..10 {
        let urls: Vec<String> = (0..1000).map(|n| format!("https://www.example.com/{job}/{n}.js")).collect();
        let accepted = world.post(&json!({"operation": "purge", "urls": urls, "verify": false})).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        ids.push(accepted.body["id"].as_str().expect("an id").to_owned());
    }
    for id in &ids {
        let job = world.proved(id).await;
        assert_eq!((&job["status"], &job["counts"]["succeeded"]), (&json!("succeeded"), &json!(1000)), "{job}");
        assert_eq!(job["verification"], "none");
    }
    let purges = world.calls("PurgeUrlsCache");
    assert!(purges.len() <= 12, "{} calls for 10,000 URLs", purges.len());
    let refused: Vec<_> = world.sandbox.cloud().calls().into_iter().filter(|call| call.code.is_some()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_host_fails_alone() {
    let world = World::start().await;
    let mut urls: Vec<String> = (0..20).map(|n| format!("https://www.example.com/{n}.js")).collect();
    urls.push("https://nobody.example.org/x.js".to_owned());
    let accepted = world.post(&json!({"operation": "purge", "urls": urls, "verify": false})).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let job = world.proved(&id).await;
    assert_eq!((&job["status"], &job["counts"]["failed"]), (&json!("partial"), &json!(1)), "{job}");
    let items = world.get(&format!("/v1/jobs/{id}/items")).await.body;
    let items = items["items"].as_array().expect("items").clone();
    let failed: Vec<_> = items.iter().filter(|item| item["state"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["target"], "https://nobody.example.org/x.js");
    assert_eq!(failed[0]["error"]["class"], "bad_target");
    assert_eq!(failed[0]["error"]["code"], "ResourceNotFound.CdnHostNotExists");
    assert!(failed[0]["error"]["advice"].as_str().is_some_and(|advice| !advice.is_empty()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_in_the_providers_list_and_costs_nothing_twice() {
    let world = World::start().await;
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", Fault::LoseAnswer).times(1)]);
    let accepted =
        world.post(&json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false})).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let job = world.proved(&id).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "the call was not made again");
    let events = world.get(&format!("/v1/jobs/{id}/events")).await.body.to_string();
    assert!(events.contains("ambiguous"), "{events}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_sent_again_after_the_listing_grace() {
    let world = World::with(|_| (), "engine.listing_grace = \"2s\"").await;
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", Fault::DropRequest).times(1)]);
    let accepted =
        world.post(&json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false})).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let job = world.proved(&id).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_purge_fails_prefetches_nothing() {
    let world = World::start().await;
    let body = json!({"operation": "refresh", "urls": ["https://nobody.example.org/x.js"]});
    let accepted = world.post(&body).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let job = world.proved(&id).await;
    assert_eq!((&job["status"], &job["verification"]), (&json!("failed"), &json!("unknown")), "{job}");
    let items = world.get(&format!("/v1/jobs/{id}/items")).await.body;
    assert_eq!(items["items"][1]["error"]["class"], "purge_failed", "{items}");
    assert!(world.calls("PushUrlsCache").is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_stays_old_is_seen_stale_although_the_provider_is_done() {
    let world = World::with(|_| (), "[verify]\ndeadline = \"2s\"").await;
    world.origin("/app.js", "one");
    world.visit("/app.js").await;
    world.origin("/app.js", "two");
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", Fault::NoEffect)]);
    let accepted = world.post(&json!({"operation": "purge", "urls": ["http://www.example.com/app.js"]})).await;
    let job = world.proved(accepted.body["id"].as_str().expect("an id")).await;
    assert_eq!((&job["status"], &job["verification"]), (&json!("succeeded"), &json!("stale")), "{job}");
    world.end().await;
}
