//! `Idempotency-Key` of `POST /v1/jobs`.

use std::time::Duration;

use refreshd::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_names_one_job() {
    let world = World::start().await;
    let post =
        |body: &Value| world.http().post(world.url("/v1/jobs")).header("idempotency-key", "release-7").json(body);
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let first = world.send(post(&body)).await;
    let again = world.send(post(&body)).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.body["id"], again.body["id"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(first.headers.get("idempotency-replayed").is_none());
    let other = json!({"operation": "purge", "urls": ["https://www.example.com/b"], "verify": false});
    let refused = world.send(post(&other)).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some("idempotency_key_reused")));
    world.end().await;
}

/// A client that lost the first answer may ask again when the body would be refused as a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_answered_though_the_deadline_has_passed() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let soon = SystemClock::default().now() + Duration::from_millis(1500);
    let deadline = jiff::Timestamp::from_millisecond(soon.as_millis()).expect("a moment");
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "deadline": deadline.to_string()});
    let post = || world.http().post(world.url("/v1/jobs")).header("idempotency-key", "release-8").json(&body);
    let first = world.send(post()).await;
    assert_eq!(first.status, 202, "{}", first.body);
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(world.post(&body).await.status, 422, "without a key it is a new job");
    let again = world.send(post()).await;
    assert_eq!((again.status, &again.body["id"]), (202, &first.body["id"]), "{}", again.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    world.end().await;
}
