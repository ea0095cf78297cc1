//! A provider that refuses or does not answer: jobs are kept and say why they wait.

use std::time::Duration;

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_keeps_the_job_and_says_why() {
    let world = World::with(|options| options.credentials[0].secret_key = "another-key".to_owned(), "").await;
    waits(&world, "account_paused", "AuthFailure.SignatureFailure").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_permission_keeps_the_job_and_says_why_and_goes_on_when_it_is_granted() {
    let world = World::start().await;
    let denied =
        Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", denied)]);
    let id = waits(&world, "account_paused", "UnauthorizedOperation.CdnCamUnauthorized").await;
    world.sandbox.cloud().set_faults(Vec::new());
    assert_eq!(world.proved(&id).await["status"], "succeeded");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_provider_keeps_the_job_and_says_why() {
    let world = World::with_endpoint("http://127.0.0.1:9").await;
    waits(&world, "outage", "127.0.0.1:9").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_day_quota_parks_the_job_until_the_reset() {
    let world = World::with(|options| options.quota.urls = 0, "").await;
    let id = waits(&world, "day_quota", "purge-url").await;
    let job = world.get(&format!("/v1/jobs/{id}")).await.body;
    assert!(job["waiting"]["until"].as_str().is_some_and(|until| until.contains("T16:00:00")), "{job}");
    assert!(world.calls("PurgeUrlsCache").is_empty());
    world.end().await;
}

/// Posts a job, and sees it wait for this reason with this in the detail. Nothing is lost meanwhile.
async fn waits(world: &World, reason: &str, detail: &str) -> String {
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let accepted = world.post(&body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.body["id"].as_str().expect("an id").to_owned();
    let mut job = Value::Null;
    for _ in 0..200 {
        job = world.get(&format!("/v1/jobs/{id}")).await.body;
        let told = job["waiting"]["detail"].as_str().is_some_and(|told| told.contains(detail));
        if job["waiting"]["reason"] == reason && told {
            assert_eq!(job["counts"]["pending"], 1, "{job}");
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not wait for {reason} with {detail}: {job}");
}
