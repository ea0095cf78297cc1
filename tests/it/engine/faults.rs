//! The engine under trouble: a store that fails for one lane, clocks that differ, looks that are refused.

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection};

use crate::support::World;

async fn posted(world: &World, body: &Value) -> String {
    let accepted = world.post(body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    accepted.body["id"].as_str().expect("an id").to_owned()
}

fn purge(url: &str, area: Option<&str>) -> Value {
    json!({"operation": "purge", "urls": [url], "area": area, "verify": false})
}

/// Changes the schema beside the running daemon, as a damaged page or a bug of ours would show itself.
async fn sabotage(world: &World, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.folder().join("refreshd.db"));
    let mut db = options.connect().await.expect("the database");
    sqlx::raw_sql(sql).execute(&mut db).await.expect("a change of the schema");
    db.close().await.expect("an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_cannot_be_claimed_holds_no_other_back() {
    let world = World::start().await;
    let first = posted(&world, &purge("https://www.example.com/first", None)).await;
    assert_eq!(world.proved(&first).await["status"], "succeeded");
    sabotage(
        &world,
        "create trigger sabotage before insert on submissions when new.lane_id = 1 begin select raise(abort, 'no'); end",
    )
    .await;
    let stuck = posted(&world, &purge("https://www.example.com/stuck", None)).await;
    for n in 0..3 {
        let other = posted(&world, &purge(&format!("https://www.example.com/{n}"), Some("mainland"))).await;
        assert_eq!(world.proved(&other).await["status"], "succeeded");
    }
    let waiting = world.get(&format!("/v1/jobs/{stuck}")).await.body;
    assert_eq!((&waiting["status"], &waiting["waiting"]["reason"]), (&json!("pending"), &json!("outage")), "{waiting}");
    sabotage(&world, "drop trigger sabotage").await;
    assert_eq!(world.proved(&stuck).await["status"], "succeeded");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_recorded_holds_no_other_back() {
    let world = World::start().await;
    sabotage(
        &world,
        "create trigger sabotage before update of state on submissions when new.id = 1 begin select raise(abort, 'no'); end",
    )
    .await;
    let stuck = posted(&world, &purge("https://www.example.com/stuck", None)).await;
    // The trigger is for the first submission.
    world.until(&stuck, |job| job["counts"]["submitted"] == 1).await;
    for n in 0..3 {
        let other = posted(&world, &purge(&format!("https://www.example.com/{n}"), Some("mainland"))).await;
        assert_eq!(world.proved(&other).await["status"], "succeeded");
    }
    sabotage(&world, "drop trigger sabotage").await;
    assert_eq!(world.proved(&stuck).await["status"], "succeeded");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 4, "nothing was sent twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_although_the_clocks_differ() {
    for seconds in [45, -45, 200] {
        let world = World::with(|_| (), "engine.listing_grace = \"1s\"").await;
        let skewed = |action: &str| FaultRule::new(action, Fault::Skew { seconds });
        let lost = FaultRule::new("PurgeUrlsCache", Fault::LoseAnswer).times(1);
        world.sandbox.cloud().set_faults(vec![skewed("*"), lost]);
        let id = posted(&world, &purge("https://www.example.com/a", None)).await;
        let job = world.proved(&id).await;
        assert_eq!(job["status"], "succeeded", "{seconds} s: {job}");
        assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "{seconds} s: it was sent twice");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_be_looked_at_is_not_called_failed() {
    let world = World::with(|_| (), "engine.task_max.purge = \"600ms\"").await;
    let outage = Fault::Refuse { code: "InternalError".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("DescribePurgeTasks", outage)]);
    let id = posted(&world, &purge("https://www.example.com/a", None)).await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let job = world.get(&format!("/v1/jobs/{id}")).await.body;
    assert_eq!((&job["status"], &job["counts"]["submitted"]), (&json!("running"), &json!(1)), "{job}");
    world.sandbox.cloud().set_faults(Vec::new());
    assert_eq!(world.proved(&id).await["status"], "succeeded");
    world.end().await;
}

/// A key that may not read tasks will not read them later: the job ends when its task's time is up, and the account shows why.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_the_key_may_not_read_fails_when_its_time_is_up() {
    let world = World::with(|_| (), "engine.task_max.purge = \"600ms\"").await;
    let denied =
        Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("DescribePurgeTasks", denied)]);
    let id = posted(&world, &purge("https://www.example.com/a", None)).await;
    let job = world.proved(&id).await;
    assert_eq!((&job["status"], &job["counts"]["failed"]), (&json!("failed"), &json!(1)), "{job}");
    let items = world.get(&format!("/v1/jobs/{id}/items")).await.body;
    let error = &items["items"][0]["error"];
    assert_eq!(error["class"], "provider_timeout", "{items}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("may not read it (UnauthorizedOperation.CdnCamUnauthorized"), "{message}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_target_that_is_too_many_is_kept_and_goes_when_it_fits() {
    let world = World::start().await;
    let full = Fault::Refuse { code: "LimitExceeded.CdnPurgeUrlExceedBatchLimit".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", full).times(1)]);
    let id = posted(&world, &purge("https://www.example.com/a", None)).await;
    let job = world.proved(&id).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 2);
    world.end().await;
}
