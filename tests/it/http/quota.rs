//! `GET /v1/quota`.

use serde_json::{Value, json};

use crate::http::fixtures::{ask, pool, posted, purge, reserved};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_tells_what_is_left_and_what_we_took() {
    let world = World::start().await;
    let id = posted(&world, &purge(0..3)).await;
    world.proved(&id).await;
    let found = pool(&world).await;
    let expected = json!({
        "account": "main", "pool": "purge-url-mainland", "operation": "purge", "kind": "url", "area": "mainland",
        "total": 10_000, "available": 9_997, "reserved": reserved(&found, 500), "used": 3, "undecided": 0,
        "batch": 1000,
        "resets_at": found["resets_at"], "exhausted_at": null, "forecast": found["forecast"], "read_at": found["read_at"],
    });
    assert_eq!(found, expected);
    let all = world.get("/v1/quota").await.body;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(6), "{all}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_tells_since_when_and_a_plan_waits_for_the_reset() {
    let world = World::with(|options| options.quota.urls = 5, "quota.reserve = 0.0").await;
    world.proved(&posted(&world, &purge(0..5)).await).await;
    let found = pool(&world).await;
    assert_eq!((&found["available"], &found["used"], &found["forecast"]), (&json!(0), &json!(5), &Value::Null));
    assert!(found["exhausted_at"].is_string(), "{found}");
    let plan = ask(&world, "/v1/plan", Some(&purge(5..6))).await;
    let leaves = &plan.body["lanes"][0]["leaves"];
    assert_eq!((&leaves["now"], &leaves["waiting"]["reason"]), (&json!(false), &json!("day_quota")), "{leaves}");
    assert_eq!((&leaves["waiting"]["until"], &leaves["starts_at"]), (&found["resets_at"], &found["resets_at"]));
    world.end().await;
}
