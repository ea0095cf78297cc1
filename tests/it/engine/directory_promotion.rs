//! Many URL purges below one directory: one purge of the directory instead, where its operator allows it.

use serde_json::{Value, json};

use crate::support::World;

const ON: &str = "promote.hosts.\"www.example.com\" = { at = 150, depth = 1 }\npromote.per_day = 1";

fn urls(host: &str, directory: &str, count: usize) -> Value {
    let urls: Vec<String> = (0..count).map(|number| format!("https://{host}{directory}{number}.js")).collect();
    json!({"operation": "purge", "urls": urls, "verify": false})
}

async fn planned(world: &World, job: &Value) -> Value {
    let plan = async || world.send(world.http().post(world.url("/v1/plan")).json(job)).await.body;
    for _ in 0..600 {
        if plan().await["lanes"][0]["pools"].as_array().is_some_and(|pools| !pools.is_empty()) {
            // The quota may have been read in the midst of that one.
            return plan().await["promoted"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the quota was never read");
}

async fn done(world: &World, job: &Value) -> String {
    let accepted = world.post(job).await;
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let job = world.proved(&id).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    id
}

/// Tells of the job as `kind: message`.
async fn told(world: &World, id: &str) -> Vec<String> {
    let events = world.get(&format!("/v1/jobs/{id}/events")).await.body;
    let word = |event: &Value, field: &str| event[field].as_str().expect("a text").to_owned();
    let events = events["items"].as_array().expect("events").iter();
    events.map(|event| format!("{}: {}", word(event, "kind"), word(event, "message"))).collect()
}

fn calls(world: &World) -> (usize, usize) {
    (world.calls("PurgePathCache").len(), world.calls("PurgeUrlsCache").len())
}

#[tokio::test(flavor = "multi_thread")]
async fn enough_urls_of_a_directory_are_purged_as_one_as_often_as_a_day_allows() {
    let world = World::with(|_| (), ON).await;
    let many = urls("www.example.com", "/img/", 200);
    assert_eq!(planned(&world, &many).await, json!([{"target": "https://www.example.com/img/", "kind": "directory"}]));
    let id = done(&world, &many).await;
    assert_eq!(calls(&world), (1, 0));
    let events = told(&world, &id).await;
    let why = events.iter().find(|event| event.starts_with("claimed: promoted")).expect("a word of it");
    assert!(why.contains("https://www.example.com/img/"), "{why}");
    let jobs = world.get("/v1/jobs?source=promotion").await.body;
    assert_eq!(
        (&jobs["items"][0]["labels"]["urls"], &jobs["items"][0]["status"]),
        (&json!("200"), &json!("succeeded"))
    );
    // The day's only one is spent.
    let more = urls("www.example.com", "/css/", 200);
    assert_eq!(planned(&world, &more).await, json!([]));
    let id = done(&world, &more).await;
    assert_eq!(calls(&world), (1, 1));
    assert!(!told(&world, &id).await.iter().any(|event| event.contains("promoted")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_promoted_unasked_or_where_it_costs_more() {
    let world = World::with(|_| (), ON).await;
    for job in [
        urls("static.example.com", "/img/", 200),
        urls("www.example.com", "/", 200),
        urls("www.example.com", "/img/", 149),
    ] {
        assert_eq!(planned(&world, &job).await, json!([]), "{}", job["urls"][0]);
        done(&world, &job).await;
    }
    assert_eq!(calls(&world), (0, 3));
    world.end().await;
    // 99 of 9,500 URLs are a smaller part than one of 95 directories.
    let cheap = ON.replace("150", "50");
    let world = World::with(|_| (), &cheap).await;
    assert_eq!(planned(&world, &urls("www.example.com", "/img/", 99)).await, json!([]));
    assert_eq!(planned(&world, &urls("www.example.com", "/img/", 101)).await.as_array().map(Vec::len), Some(1));
    done(&world, &urls("www.example.com", "/img/", 99)).await;
    assert_eq!(calls(&world), (0, 1));
    world.end().await;
}
