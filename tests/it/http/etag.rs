//! `ETag` and `If-None-Match` of a job.

use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_did_not_change_is_not_sent_again() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    world.proved(&id).await;
    let seen = world.get(&format!("/v1/jobs/{id}")).await;
    let again = world.http().get(world.url(&format!("/v1/jobs/{id}")));
    let known = world.send(again.try_clone().expect("a request").header("if-none-match", &seen.headers["etag"])).await;
    assert_eq!((seen.status, known.status), (200, 304));
    let other = world.send(again.header("if-none-match", "\"another\"")).await;
    assert_eq!((other.status, &other.body), (200, &seen.body));
    world.end().await;
}
