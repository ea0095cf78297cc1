//! Cancelling a job and trying it again, over HTTP.

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;

async fn change(world: &World, id: &str, what: &str) -> crate::support::Answered {
    world.send(world.http().post(world.url(&format!("/v1/jobs/{id}/{what}")))).await
}

async fn posted(world: &World, body: &Value) -> String {
    world.post(body).await.body["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_can_be_cancelled_once() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let id = posted(&world, &json!({"operation": "purge", "urls": ["https://www.example.com/a"]})).await;
    let cancelled = change(&world, &id, "cancel").await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")), "{}", cancelled.body);
    assert_eq!((&cancelled.body["waiting"], &cancelled.body["verification"]), (&Value::Null, &json!("unknown")));
    let again = change(&world, &id, "cancel").await;
    assert_eq!((again.status, again.body["code"].as_str()), (409, Some("nothing_to_do")));
    assert_eq!(change(&world, "job_00000000000000000000000000000000", "cancel").await.status, 404);
    assert!(world.calls("PurgeUrlsCache").is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_a_new_job_of_what_failed() {
    let world = World::start().await;
    let unknown =
        Fault::Refuse { code: "ResourceNotFound.CdnHostNotExists".to_owned(), message: "not here".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", unknown)]);
    let body = json!({"operation": "refresh", "urls": ["https://www.example.com/app.js"], "verify": false,
        "labels": {"release": "7"}, "source": "deploy", "priority": "urgent"});
    let id = posted(&world, &body).await;
    assert_eq!(world.proved(&id).await["status"], "failed");
    world.sandbox.cloud().set_faults(Vec::new());

    let retried = change(&world, &id, "retry").await;
    assert_eq!((retried.status, &retried.body["retry_of"]), (202, &json!(id)), "{}", retried.body);
    let new = retried.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(retried.headers["location"], format!("/v1/jobs/{new}"));
    let job = world.proved(&new).await;
    assert_eq!((&job["status"], &job["counts"]["total"]), (&json!("succeeded"), &json!(2)), "{job}");
    for field in ["labels", "source", "priority", "operation"] {
        assert_eq!(job[field], body[field], "{field}");
    }
    assert_eq!(world.proved(&id).await["status"], "failed", "a final job never changes");
    let nothing = change(&world, &new, "retry").await;
    assert_eq!((nothing.status, nothing.body["code"].as_str()), (409, Some("nothing_to_do")));
    world.end().await;
}
