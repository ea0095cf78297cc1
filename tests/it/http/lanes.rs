//! `GET /v1/lanes`, `POST /v1/lanes/{id}/pause` and `/resume`.

use serde_json::{Value, json};

use crate::http::fixtures::{URL, ask, lane, posted, purge, token};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_lane_sends_nothing_over_a_restart_and_everything_else_goes_on() {
    let mut world = World::start().await;
    let sent = posted(&world, &purge(0..1)).await;
    world.until(&sent, |job| job["counts"]["pending"] == 0).await;
    let id = lane(&world, "purge").await["id"].as_str().expect("an id").to_owned();
    let reason = json!({"reason": "the origin is being moved"});
    let paused = ask(&world, &format!("/v1/lanes/{id}/pause"), Some(&reason)).await;
    assert_eq!((paused.status, &paused.body["state"]), (200, &json!("paused")), "{}", paused.body);
    assert_eq!((&paused.body["paused"]["by"], &paused.body["paused"]["reason"]), (&json!("local"), &reason["reason"]));
    let again = ask(&world, &format!("/v1/lanes/{id}/pause"), None).await;
    assert_eq!((again.status, &again.body["paused"]), (200, &paused.body["paused"]), "the first pause stands");
    assert_eq!(world.proved(&sent).await["status"], "succeeded", "what was sent is followed to its end");

    let urgent = json!({"operation": "purge", "urls": [URL], "priority": "urgent", "verify": false});
    let held = posted(&world, &urgent).await;
    let job = world.until(&held, |job| job["waiting"]["reason"] == "lane_paused").await;
    let detail = job["waiting"]["detail"].as_str().expect("a detail");
    assert!(detail.contains("local") && detail.contains("the origin is being moved"), "{detail}");
    let plan = ask(&world, "/v1/plan", Some(&urgent)).await.body;
    assert_eq!(plan["lanes"][0]["leaves"]["waiting"]["reason"], "lane_paused", "{plan}");
    world.stop_daemon().await;
    world.start_daemon().await;
    world.origin("/other.js", "other");
    let prefetch = json!({"operation": "prefetch", "urls": ["https://www.example.com/other.js"], "verify": false});
    assert_eq!(world.proved(&posted(&world, &prefetch).await).await["status"], "succeeded");
    let found = lane(&world, "purge").await;
    assert_eq!((&found["state"], &found["depth"]["urgent"]), (&json!("paused"), &json!(1)), "{found}");
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1, "nothing of the lane left");

    for _ in 0..2 {
        let resumed = ask(&world, &format!("/v1/lanes/{id}/resume"), None).await;
        assert_eq!((resumed.status, &resumed.body["paused"]), (200, &Value::Null), "{}", resumed.body);
        assert_ne!(resumed.body["state"], "paused");
    }
    assert_eq!(world.proved(&held).await["status"], "succeeded");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_lane_is_404_and_a_bad_reason_422() {
    let world = World::start().await;
    world.proved(&posted(&world, &purge(0..1)).await).await;
    for path in ["/v1/lanes/4711/pause", "/v1/lanes/4711/resume", "/v1/lanes/main/pause"] {
        assert_eq!(ask(&world, path, None).await.status, 404, "{path}");
    }
    let id = lane(&world, "purge").await["id"].as_str().expect("an id").to_owned();
    for body in [json!({"reason": "x".repeat(257)}), json!({"reason": 5}), json!({"why": "x"})] {
        assert_eq!(ask(&world, &format!("/v1/lanes/{id}/pause"), Some(&body)).await.status, 422, "{body}");
    }
    assert_eq!(lane(&world, "purge").await["state"], "running");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_takes_read_holding_back_takes_control_and_planning_what_posting_takes() {
    let world = World::with_tokens().await;
    let (buyer, reader) = (token(&world, &["purge:url"]).await, token(&world, &["read@static.example.com"]).await);
    let operator = token(&world, &["control", "read"]).await;
    let get = async |token: &str, path: &str| world.send(world.http().get(world.url(path)).bearer_auth(token)).await;
    let post = async |token: &str, path: &str, body: &Value| {
        world.send(world.http().post(world.url(path)).bearer_auth(token).json(body)).await
    };
    for path in ["/v1/quota", "/v1/lanes"] {
        let seen = [get(&buyer, path).await.status, get(&reader, path).await.status, world.get(path).await.status];
        assert_eq!(seen, [403, 200, 401], "{path}");
    }
    assert_eq!(post(&buyer, "/v1/jobs", &purge(0..1)).await.status, 202);
    let lanes = get(&operator, "/v1/lanes").await.body;
    let id = lanes["items"][0]["id"].as_str().expect("an id");
    for (token, lane, expected) in [(&buyer, id, 403), (&reader, id, 403), (&buyer, "4711", 403), (&operator, id, 200)]
    {
        let answer = post(token, &format!("/v1/lanes/{lane}/pause"), &json!({})).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
        assert_eq!(post(token, &format!("/v1/lanes/{lane}/resume"), &json!({})).await.status, expected);
    }
    let paused = post(&operator, &format!("/v1/lanes/{id}/pause"), &json!({})).await.body;
    let by = paused["paused"]["by"].as_str().expect("who");
    let public = operator.split('_').nth(1).expect("an id");
    assert_eq!(by, format!("shop (token {public})"));
    assert_eq!(post(&buyer, "/v1/plan", &purge(0..1)).await.status, 200, "planning takes no scope to read");
    let mut site = json!({"operation": "purge", "directories": ["https://www.example.com/"]});
    site["urls"] = json!([URL]);
    let (mut posted, mut planned) = (post(&buyer, "/v1/jobs", &site).await, post(&buyer, "/v1/plan", &site).await);
    (posted.body["request_id"], planned.body["request_id"]) = (Value::Null, Value::Null);
    assert_eq!((planned.status, &planned.body), (403, &posted.body));
    world.end().await;
}
