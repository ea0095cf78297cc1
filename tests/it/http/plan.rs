//! `POST /v1/plan`.

use serde_json::{Value, json};

use crate::http::fixtures::{ask, lane, posted, purge};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_lanes_batches_and_costs_and_keeps_nothing() {
    let world = World::start().await;
    let mut urls: Vec<String> = (0..1_500).map(|n| format!("https://www.example.com/{n}.js")).collect();
    urls.push("HTTPS://www.example.com:443/0.js".to_owned());
    let body = json!({"operation": "refresh", "urls": urls, "directories": ["https://www.example.com/img/"]});
    // The daemon asks for the quota as it starts: the first plan may come before the answer.
    let mut plan = ask(&world, "/v1/plan", Some(&body)).await;
    for _ in 0..200 {
        if plan.body["lanes"][0]["leaves"]["now"] == true {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        plan = ask(&world, "/v1/plan", Some(&body)).await;
    }
    assert_eq!(plan.status, 200, "{}", plan.body);
    let plan = plan.body;
    assert_eq!((&plan["targets_total"], &plan["merged"]), (&json!(1_501), &json!(1)));
    let targets = plan["targets"].as_array().expect("targets");
    assert_eq!(
        (targets.len(), &targets[0]),
        (1_000, &json!({"target": "https://www.example.com/0.js", "kind": "url"}))
    );
    assert_eq!((&plan["warnings"], &plan["promoted"], &plan["coalesced"]), (&json!([]), &json!([]), &json!(0)));
    let lanes: Vec<Value> = plan["lanes"]
        .as_array()
        .expect("lanes")
        .iter()
        .map(|lane| {
            json!([
                lane["operation"],
                lane["kind"],
                lane["mode"],
                lane["targets"],
                lane["batches"],
                lane["leaves"]["now"],
                lane["leaves"]["waiting"]["reason"]
            ])
        })
        .collect();
    let expected = json!([
        ["purge", "url", null, 1_500, 2, true, null],
        ["purge", "directory", "delete", 1, 1, true, null],
        ["prefetch", "url", null, 1_500, 3, false, "purge_first"],
    ]);
    assert_eq!(json!(lanes), expected);
    let pools = plan["lanes"][0]["pools"].as_array().expect("pools");
    assert_eq!(pools.len(), 2, "an area that is not known draws on both: {plan}");
    assert_eq!((&pools[0]["cost"], &pools[0]["available"]), (&json!(1_500), &json!(10_000)));
    assert!(plan["lanes"][0]["leaves"]["done_sending_at"].is_string(), "{plan}");

    assert_eq!(world.get("/v1/jobs").await.body["items"], json!([]));
    assert_eq!(world.get("/v1/lanes").await.body["items"], json!([]));
    assert_eq!(world.calls("PurgeUrlsCache").len(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_refused_as_the_job_would_be() {
    let world = World::start().await;
    for body in [
        json!({"operation": "purge", "urls": ["https://www.example.com/a b", "https://www.example.com/#x"]}),
        json!({"operation": "prefetch", "directories": ["https://www.example.com/img/"]}),
        json!({"operation": "purge", "colour": 1}),
        json!({"operation": "purge"}),
        json!(["purge"]),
    ] {
        let (mut posted, mut planned) = (world.post(&body).await, ask(&world, "/v1/plan", Some(&body)).await);
        (posted.body["request_id"], planned.body["request_id"]) = (Value::Null, Value::Null);
        assert_eq!((planned.status, &planned.body), (posted.status, &posted.body), "{body}");
        assert_eq!(planned.status, 422);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_would_ride_along_and_what_will_hardly_go() {
    let world = World::start().await;
    world.proved(&posted(&world, &purge(0..1)).await).await;
    let id = lane(&world, "purge").await["id"].as_str().expect("an id").to_owned();
    assert_eq!(ask(&world, &format!("/v1/lanes/{id}/pause"), Some(&json!({}))).await.status, 200);
    posted(&world, &purge(0..3)).await;
    let urls = ["https://www.example.com/0.js", "https://www.example.com/img/a", "https://www.example.com/new"];
    let body = json!({"operation": "purge", "urls": urls, "directories": ["https://www.example.com/img/"]});
    let plan = ask(&world, "/v1/plan", Some(&body)).await.body;
    assert_eq!(plan["coalesced"], 2, "one is pending, one rides: {plan}");
    let urls = &plan["lanes"][0];
    assert_eq!((&urls["targets"], &urls["batches"], &urls["pools"][0]["cost"]), (&json!(3), &json!(1), &json!(1)));
    let strangers = json!({"operation": "purge", "urls": ["https://www.example.com/1", "https://a.example.org/1"]});
    let mut plan = Value::Null;
    for _ in 0..200 {
        plan = ask(&world, "/v1/plan", Some(&strangers)).await.body;
        if plan["warnings"] != json!([]) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let warnings = plan["warnings"].as_array().expect("warnings");
    assert_eq!((warnings.len(), &warnings[0]["code"]), (1, &json!("unknown_host")), "{plan}");
    assert_eq!(warnings[0]["pointer"], "/urls/1");
    world.end().await;
}
