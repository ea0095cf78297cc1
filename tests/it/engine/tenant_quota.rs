//! A tenant's share of the day quota, from the configuration to the answer of a job.

use refreshd::sandbox::{Area, PoolChange, TaskKind};
use serde_json::{Value, json};

use crate::support::World;

fn purge(first: usize, count: usize, priority: &str) -> Value {
    let urls: Vec<String> = (first..first + count).map(|n| format!("https://www.example.com/{n}.js")).collect();
    json!({"operation": "purge", "urls": urls, "priority": priority, "verify": false})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_a_tenants_share_waits_for_the_reset_and_says_so() {
    let mut world = World::with(|_| (), "quota.shares.local = 0.25").await;
    let total = PoolChange { kind: TaskKind::PurgeUrl, area: Area::Global, total: Some(40), batch: None, spend: 0 };
    world.sandbox.cloud().change_quota(&total);
    // Whatever was read before the change is forgotten.
    world.stop_daemon().await;
    world.start_daemon().await;
    let posted =
        async |world: &World, body: Value| world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    let id = posted(&world, purge(0, 12, "normal")).await;
    let job = world.until(&id, |job| job["counts"]["succeeded"] == 10).await;
    assert_eq!((&job["counts"]["pending"], &job["waiting"]["reason"]), (&json!(2), &json!("day_quota")), "{job}");
    let detail = job["waiting"]["detail"].as_str().expect("a detail");
    assert!(detail.contains("share (25 %)") && job["waiting"]["until"].is_string(), "{job}");
    // Urgent work is no way around it, nor is a restart.
    world.stop_daemon().await;
    world.start_daemon().await;
    let id = posted(&world, purge(20, 1, "urgent")).await;
    let job =
        world.until(&id, |job| job["waiting"]["reason"] == "day_quota" && job["waiting"]["until"].is_string()).await;
    assert_eq!(job["counts"]["pending"], 1);
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1);
    world.end().await;
}
