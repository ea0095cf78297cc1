//! Fresh or not, as people see it: several edges, directories, prefetches, the proof, and the second purge.

use std::net::SocketAddr;

use refreshd::sandbox::{Fault, FaultRule, OriginContent};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::World;

const URL: &str = "http://www.example.com/img/a.js";

async fn posted(world: &World, body: &Value) -> String {
    let accepted = world.post(body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    accepted.body["id"].as_str().expect("an id").to_owned()
}

async fn list(world: &World, path: &str) -> Vec<Value> {
    world.get(path).await.body["items"].as_array().expect("a list").clone()
}

async fn told(world: &World, id: &str, kind: &str) -> Vec<String> {
    let events = list(world, &format!("/v1/jobs/{id}/events")).await;
    let of_kind = events.iter().filter(|event| event["kind"] == kind);
    of_kind.map(|event| event["message"].as_str().expect("a message").to_owned()).collect()
}

/// The edge has old content that purges do not remove, so many times.
async fn stubborn(settings: &str, times: Option<u64>) -> World {
    let world = World::with(|_| (), settings).await;
    world.origin("/img/a.js", "one");
    world.visit("/img/a.js").await;
    world.origin("/img/a.js", "two!");
    let rule = |action| {
        let rule = FaultRule::new(action, Fault::NoEffect);
        times.map_or(rule.clone(), |times| rule.times(times))
    };
    world.sandbox.cloud().set_faults(vec![rule("PurgeUrlsCache"), rule("PurgePathCache")]);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stale_after_the_grace_is_told_with_its_proof() {
    let world = stubborn("verify.grace = \"1s\"", None).await;
    let id = posted(&world, &json!({"operation": "purge", "urls": [URL]})).await;
    assert_eq!(world.proved(&id).await["verification"], "stale");
    let item = list(&world, &format!("/v1/jobs/{id}/items")).await.remove(0);
    let (origin, edge) = (&item["seen"]["origin"], &item["seen"]["edges"][0]);
    assert_eq!(edge["address"], world.sandbox.addresses.edge.to_string(), "{item}");
    assert_eq!(origin["address"], world.sandbox.addresses.origin.to_string(), "{item}");
    assert_eq!((&edge["length"], &origin["length"], &edge["status"]), (&json!(3), &json!(4), &json!(200)), "{item}");
    assert!(
        edge["body_sha256"].as_str().is_some_and(|hash| hash.len() == 16) && edge["etag"] != origin["etag"],
        "{item}"
    );
    assert!(edge["log_id"].is_string() && edge["cache"].as_str().is_some_and(|told| told.contains("Hit")), "{item}");
    let summary = told(&world, &id, "verified").await.remove(0);
    assert!(summary.contains(URL) && summary.contains("not the origin's"), "{summary}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "nobody asked for a second purge");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_stale_is_purged_once_more_if_the_operator_wants_it() {
    let settings = "verify = {grace = \"500ms\", repurge = true}";
    for (times, second) in [(Some(1), "fresh"), (None, "stale")] {
        let world = stubborn(settings, times).await;
        let id = posted(&world, &json!({"operation": "purge", "urls": [URL], "labels": {"release": "7"}})).await;
        assert_eq!(world.proved(&id).await["verification"], "stale", "the first job's verdict stands");
        let jobs = list(&world, "/v1/jobs").await;
        let again = jobs.iter().find(|job| job["retry_of"] == id).unwrap_or_else(|| panic!("{jobs:?}"));
        assert_eq!((&again["source"], &again["labels"]["release"]), (&json!("verify"), &json!("7")), "{again}");
        let again = again["id"].as_str().expect("an id");
        let repurged = told(&world, &id, "repurged").await;
        assert!(
            repurged.len() == 1 && repurged[0].contains(again) && repurged[0].contains("1 stale URL"),
            "{repurged:?}"
        );
        assert_eq!(world.proved(again).await["verification"], second);
        // Whether there is a third is decided with the second's verdict.
        assert_eq!(list(&world, "/v1/jobs").await.len(), 2, "once");
        assert_eq!(world.calls("PurgeUrlsCache").len(), 2);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_purge_is_made_of_bulk_work_nor_of_what_was_only_prefetched() {
    let settings = "verify = {grace = \"500ms\", repurge = true}";
    let world = stubborn(settings, None).await;
    let bulk = posted(&world, &json!({"operation": "purge", "urls": [URL], "priority": "bulk"})).await;
    assert_eq!(world.proved(&bulk).await["verification"], "stale");
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PushUrlsCache", Fault::NoEffect)]);
    let prefetch = posted(&world, &json!({"operation": "prefetch", "urls": [URL]})).await;
    assert_eq!(world.proved(&prefetch).await["verification"], "stale");
    assert_eq!(list(&world, "/v1/jobs").await.len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_fresh_only_if_all_named_edges_are() {
    let old = old_edge().await;
    let settings = format!("verify.grace = \"500ms\"\nverify.edges.\"static.example.com\" = [\"{old}\"]");
    let world = World::with(|_| (), &settings).await;
    world.origin("/img/a.js", "two!");
    let content = OriginContent::new("static.example.com", "/img/a.js", "two!");
    world.sandbox.cloud().put_origin(content).expect("origin content");
    let alone = posted(&world, &json!({"operation": "purge", "urls": [URL]})).await;
    assert_eq!(world.proved(&alone).await["verification"], "fresh");
    let other = URL.replace("www", "static");
    let both = posted(&world, &json!({"operation": "purge", "urls": [URL, other]})).await;
    assert_eq!(world.proved(&both).await["verification"], "stale");
    // Who asks why is answered from the same edge, also where probe.edges names another.
    let asked = world.http().post(world.url("/v1/diagnoses")).json(&json!({"url": other}));
    let told = world.send(asked).await.body;
    let checks = told["checks"].as_array().expect("checks");
    let seen = checks.iter().find(|check| check["id"] == "edge_connect").expect("a check")["seen"].to_string();
    assert!(seen.contains(&old.to_string()), "{seen}");
    world.end().await;

    let edges = |sandbox: SocketAddr| format!("verify.edges.\"www.example.com\" = [\"{sandbox}\", \"{old}\"]");
    let edge = World::start().await;
    let good = edge.sandbox.addresses.edge;
    edge.origin("/img/a.js", "two!");
    let world = World::with(|_| (), &format!("verify.grace = \"500ms\"\n{}", edges(good))).await;
    world.origin("/img/a.js", "two!");
    let id = posted(&world, &json!({"operation": "purge", "urls": [URL]})).await;
    assert_eq!(world.proved(&id).await["verification"], "stale");
    let item = list(&world, &format!("/v1/jobs/{id}/items")).await.remove(0);
    let reason = item["seen"]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&old.to_string()) && !reason.contains(&good.to_string()), "{reason}");
    assert_eq!(item["seen"]["edges"].as_array().map(Vec::len), Some(2), "{item}");
    world.end().await;
    edge.end().await;
}

/// An edge that has only old content, whatever is purged.
async fn old_edge() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none").await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_judged_by_what_is_known_below_it() {
    let directory = json!({"operation": "purge", "directories": ["http://www.example.com/img/"]});
    for (settings, earlier) in [("", true), ("verify.directories.\"www.example.com\" = [\"/img/a.js\"]", false)] {
        let world = stubborn(&format!("verify.grace = \"500ms\"\n{settings}"), None).await;
        if earlier {
            let known = posted(&world, &json!({"operation": "purge", "urls": [URL], "verify": false})).await;
            world.proved(&known).await;
        }
        let stale = posted(&world, &directory).await;
        assert_eq!(world.proved(&stale).await["verification"], "stale", "{settings}");
        let items = list(&world, &format!("/v1/jobs/{stale}/items")).await;
        // The URL may be another tenant's: it counts, and is not named.
        let why = items[0]["seen"]["reason"].as_str().unwrap_or_default();
        assert!(items.len() == 1 && why.contains("of an earlier job is stale") && !why.contains(URL), "{items:?}");
        world.sandbox.cloud().set_faults(Vec::new());
        let fresh = posted(&world, &directory).await;
        assert_eq!(world.proved(&fresh).await["verification"], "fresh", "{settings}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefetch_that_the_cache_did_not_keep_is_fresh_with_a_remark() {
    let world = World::start().await;
    let mut content = OriginContent::new("www.example.com", "/img/a.js", "one");
    content.cache_control = Some("no-store".to_owned());
    world.sandbox.cloud().put_origin(content).expect("origin content");
    world.origin("/kept.js", "one");
    let id = posted(&world, &json!({"operation": "prefetch", "urls": [URL]})).await;
    assert_eq!(world.proved(&id).await["verification"], "fresh");
    let summary = told(&world, &id, "verified").await.remove(0);
    assert!(summary.contains("in spite of the prefetch"), "{summary}");
    let kept = posted(&world, &json!({"operation": "prefetch", "urls": ["http://www.example.com/kept.js"]})).await;
    assert_eq!(world.proved(&kept).await["verification"], "fresh");
    let summary = told(&world, &kept, "verified").await.remove(0);
    assert!(!summary.contains("prefetch"), "{summary}");
    world.end().await;
}
