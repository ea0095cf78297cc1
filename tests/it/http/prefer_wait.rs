//! `Prefer: wait` of `POST /v1/jobs`.

use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_wait_for_the_end() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let request = world.http().post(world.url("/v1/jobs")).header("prefer", "wait=20").json(&body);
    let answered = world.send(request).await;
    assert_eq!((answered.status, answered.body["status"].as_str()), (200, Some("succeeded")), "{}", answered.body);
    assert_eq!(answered.headers["preference-applied"], "wait");
    world.end().await;
}
