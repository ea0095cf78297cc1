//! Calls whose outcome cannot be found out: they are sent again, or wait for a person, and metrics count them.

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;

const BODY: &str =
    r#"{"operation": "purge", "urls": ["https://www.example.com/a", "https://www.example.com/b"], "verify": false}"#;

async fn posted(world: &World) -> String {
    let accepted = world.post(&serde_json::from_str(BODY).expect("JSON")).await;
    accepted.body["id"].as_str().expect("an id").to_owned()
}

async fn undecided(world: &World) -> Value {
    let quota = world.get("/v1/quota").await.body;
    let pools = quota["items"].as_array().expect("pools");
    let pool = pools.iter().find(|pool| pool["pool"] == "purge-url-mainland").expect("the pool");
    pool["undecided"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_call_that_no_list_shows_is_sent_again_and_counted() {
    let world = World::with(|_| (), "engine.listing_grace = \"2s\"").await;
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", Fault::DropRequest).times(1)]);
    let job = world.proved(&posted(&world).await).await;
    assert_eq!(job["status"], "succeeded");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 2, "sent again");
    assert_eq!(undecided(&world).await, 2, "both targets of the call");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_call_of_an_account_that_is_gone_goes_back_to_where_a_person_can_cancel_it() {
    let mut world = World::with(|_| (), "engine.listing_grace = \"2s\"").await;
    let deaf = vec![
        FaultRule::new("PurgeUrlsCache", Fault::LoseAnswer),
        FaultRule::new("DescribePurgeTasks", Fault::DropRequest),
    ];
    world.sandbox.cloud().set_faults(deaf);
    let id = posted(&world).await;
    world.until(&id, |job| job["counts"]["submitted"] == 2).await;
    world.stop_daemon().await;
    world.reconfigure(|text| text.replace("accounts.main", "accounts.other").replace("\"main\"", "\"other\""));
    world.start_daemon().await;
    let job = world.until(&id, |job| job["counts"]["pending"] == 2).await;
    assert_eq!(job["status"], "running", "{job}");
    let events = world.get(&format!("/v1/jobs/{id}/events")).await.body;
    assert!(events.to_string().contains("left the configuration"), "{events}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "nothing is sent for an account that is not there");
    let cancel = world.http().post(world.url(&format!("/v1/jobs/{id}/cancel"))).json(&json!({}));
    let cancelled = world.send(cancel).await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")), "{}", cancelled.body);
    world.end().await;
}
