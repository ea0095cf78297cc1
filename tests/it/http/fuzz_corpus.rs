//! The fuzzed bodies at the real door: each is answered, and what is accepted is kept as written. The law of a body
//! alone is `src/api/fuzzing.rs`; this adds the way through the store.

use std::path::Path;
use std::time::Duration;

use refreshd::domain::{Target, TargetKind};
use serde_json::Value;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_answered_by_a_failure_and_what_is_accepted_is_kept_as_written() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let (mut accepted, mut refused) = (0, 0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/job_body");
    for entry in std::fs::read_dir(folder).expect("a corpus") {
        let body = std::fs::read(entry.expect("an entry").path()).expect("a sample");
        let request = world.http().post(world.url("/v1/jobs")).header("content-type", "application/json");
        let answered = world.send(request.body(body.clone()).timeout(Duration::from_secs(20))).await;
        let shown = String::from_utf8_lossy(&body).into_owned();
        match answered.status {
            202 => {
                accepted += 1;
                kept_as_written(&world, &answered.body, &shown).await;
            }
            400 | 422 => {
                refused += 1;
                assert!(answered.body["detail"].is_string(), "{shown}: {}", answered.body);
            }
            status => panic!("{status} for {shown}: {}", answered.body),
        }
    }
    assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused: one side was never tried");
    world.end().await;
}

/// Each kept target is one of the written ones up to equal forms, and its own normal form.
async fn kept_as_written(world: &World, job: &Value, body: &str) {
    let written: Value = serde_json::from_str(body).expect("what was accepted is JSON");
    let id = job["id"].as_str().expect("an id");
    let items = world.get(&format!("/v1/jobs/{id}/items?limit=500")).await.body;
    for item in items["items"].as_array().expect("items") {
        let (kind, field) = match item["kind"].as_str() {
            Some("directory") => (TargetKind::Directory, "directories"),
            _ => (TargetKind::Url, "urls"),
        };
        let kept = Target::parse(kind, item["target"].as_str().expect("a target")).expect("a valid target");
        assert_eq!(item["target"], kept.as_str(), "a second normalisation is identity");
        let texts = written[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        let meant = texts.filter_map(|text| Target::parse(kind, text).ok()).any(|target| target == kept);
        assert!(meant, "{kept} was never written in {body}");
    }
}
