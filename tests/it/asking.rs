//! Who may read a diagnosis afterwards.

use serde_json::json;

use crate::diagnoses::{a_second, ask, guarded_world, look, posted, token};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_on_call_learns_of_a_tenants_job_is_not_for_their_own_tenant() {
    let (world, stub) = guarded_world().await;
    let (shop, ops) = (token(&world, "shop", &[]), token(&world, "ops", &[]));
    let (on_call, second) =
        (token(&world, "ops", &["oncall", "diagnose"]), token(&world, "night", &["oncall", "diagnose"]));
    a_second().await;
    let url = "https://www.example.com/a.js";
    let id = posted(&world, &shop, &[url]).await;
    let asked = ask(&world, &on_call, &json!({"url": url})).await;
    assert_eq!(stub.last().request.map(|request| request.job.to_string()), Some(id), "{}", asked.body);
    let kept = format!("/v1/diagnoses/{}", asked.body["id"].as_str().expect("an id"));
    for path in [kept.clone(), format!("{kept}/bundle")] {
        assert_eq!(look(&world, &ops, &path).await.status, 404, "{path}: the job is not theirs");
        assert_eq!(look(&world, &on_call, &path).await.status, 200, "{path}");
    }
    assert_eq!(look(&world, &second, &kept).await.body, asked.body, "who sees all jobs sees this one");
    // Without anybody's job in it, it is their tenant's like any other.
    let bare = ask(&world, &on_call, &json!({"url": "https://www.example.com/b.js"})).await;
    let kept = format!("/v1/diagnoses/{}", bare.body["id"].as_str().expect("an id"));
    assert_eq!(look(&world, &ops, &kept).await.body, bare.body);
    world.end().await;
}
