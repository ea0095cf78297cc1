//! What a person sees of the scheduling, and does about it: quotas, lanes and their pauses, plans, and the API's own page.

use serde_json::{Value, json};

use crate::support::binary::{Ended, refreshd};
use crate::support::{Answered, World};

const URL: &str = "https://www.example.com/app.js";

fn purge(paths: std::ops::Range<u32>) -> Value {
    let urls: Vec<String> = paths.map(|n| format!("https://www.example.com/{n}.js")).collect();
    json!({"operation": "purge", "urls": urls, "verify": false})
}

async fn posted(world: &World, body: &Value) -> String {
    let accepted = world.post(body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    accepted.body["id"].as_str().expect("an id").to_owned()
}

async fn ask(world: &World, path: &str, body: Option<&Value>) -> Answered {
    let request = world.http().post(world.url(path));
    world.send(if let Some(body) = body { request.json(body) } else { request }).await
}

/// The one thing of a list that fits.
async fn listed(world: &World, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let answer = world.get(path).await;
    assert_eq!((answer.status, &answer.body["next_cursor"]), (200, &Value::Null), "{}", answer.body);
    answer.body["items"].as_array().expect("items").iter().find(|item| fits(item)).expect("one that fits").clone()
}

async fn pool(world: &World) -> Value {
    listed(world, "/v1/quota", |pool| pool["pool"] == "purge-url-mainland").await
}

async fn lane(world: &World, operation: &str) -> Value {
    listed(world, "/v1/lanes", |lane| lane["operation"] == operation && lane["kind"] == "url").await
}

/// The reserve opens shortly before the reset, and the tests run at any time of the day.
fn reserved(pool: &Value, share: u64) -> u64 {
    let moment = |name: &str| pool[name].as_str().expect("a moment").parse::<jiff::Timestamp>().expect("RFC 3339");
    let left = moment("resets_at").as_second() - moment("read_at").as_second();
    if left <= 16 * 60 { pool["reserved"].as_u64().expect("a figure") } else { share }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_tells_what_is_left_and_what_we_took() {
    let world = World::start().await;
    let id = posted(&world, &purge(0..3)).await;
    world.proved(&id).await;
    let found = pool(&world).await;
    let expected = json!({
        "account": "main", "pool": "purge-url-mainland", "operation": "purge", "kind": "url", "area": "mainland",
        "total": 10_000, "available": 9_997, "reserved": reserved(&found, 500), "used": 3, "undecided": 0,
        "batch": 1000,
        "resets_at": found["resets_at"], "exhausted_at": null, "forecast": found["forecast"], "read_at": found["read_at"],
    });
    assert_eq!(found, expected);
    let all = world.get("/v1/quota").await.body;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(6), "{all}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_tells_since_when_and_a_plan_waits_for_the_reset() {
    let world = World::with(|options| options.quota.urls = 5, "quota.reserve = 0.0").await;
    world.proved(&posted(&world, &purge(0..5)).await).await;
    let found = pool(&world).await;
    assert_eq!((&found["available"], &found["used"], &found["forecast"]), (&json!(0), &json!(5), &Value::Null));
    assert!(found["exhausted_at"].is_string(), "{found}");
    let plan = ask(&world, "/v1/plan", Some(&purge(5..6))).await;
    let leaves = &plan.body["lanes"][0]["leaves"];
    assert_eq!((&leaves["now"], &leaves["waiting"]["reason"]), (&json!(false), &json!("day_quota")), "{leaves}");
    assert_eq!((&leaves["waiting"]["until"], &leaves["starts_at"]), (&found["resets_at"], &found["resets_at"]));
    world.end().await;
}

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

/// A token, as an operator makes one.
async fn token(world: &World, scopes: &[&str]) -> String {
    let mut command = refreshd("");
    command
        .args(["token", "create", "a test", "--tenant", "shop"])
        .args(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    command.arg("--config").arg(world.config_file());
    let ended =
        tokio::task::spawn_blocking(move || Ended::of(command.output().expect("it runs"))).await.expect("it ran");
    ended.expect(0);
    ended.out.trim_end().to_owned()
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

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_tell_every_path_without_a_token_or_anything_from_elsewhere() {
    let world = World::with_tokens().await;
    let page = world.http().get(world.url("/docs")).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        page.headers()["content-security-policy"].to_str().is_ok_and(|policy| policy.contains("default-src 'none'"))
    );
    let html = page.text().await.expect("a page");
    let document = world.get("/openapi.json").await.body;
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, call) in methods.as_object().expect("methods") {
            assert!(ids.insert(call["operationId"].to_string()), "an id that two calls have: {call}");
            let heading = format!("{} {path}</code></h3>", method.to_uppercase());
            assert!(html.contains(&heading), "{heading}");
        }
    }
    for path in ["/v1/quota", "/v1/lanes", "/v1/lanes/{id}/pause", "/v1/lanes/{id}/resume", "/v1/plan", "/docs"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(html.contains("id=\"LaneAnswer\"") && html.contains("list of LaneAnswer"));
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href=\"http"));
    for anchor in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "nothing is at #{anchor}");
    }
    let style = world.http().get(world.url("/docs.css")).send().await.expect("an answer");
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    world.end().await;
}

async fn run(world: &World, words: &[&str]) -> Ended {
    let mut command = refreshd(&world.url(""));
    command.args(words);
    Ended::of(tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ran"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_quotas_lanes_and_plans_and_holds_a_lane_back() {
    let world = World::start().await;
    world.proved(&posted(&world, &purge(0..3)).await).await;
    let id = lane(&world, "purge").await["id"].as_str().expect("an id").to_owned();
    let narrow = |text: &str| assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let quota = run(&world, &["quota"]).await;
    quota.expect(0);
    assert!(quota.out.contains("purge-url-mainland") && quota.out.contains("9997"), "{}", quota.out);
    narrow(&quota.out);
    let paused = run(&world, &["lanes", "pause", &id, "--reason", "drill"]).await;
    paused.expect(0);
    assert!(paused.out.contains("paused") && paused.out.contains("drill"), "{}", paused.out);
    let lanes = run(&world, &["lanes"]).await;
    lanes.expect(0);
    assert!(lanes.out.contains("main/purge/url/own") && lanes.out.contains("drill"), "{}", lanes.out);
    narrow(&lanes.out);
    let planned = run(&world, &["purge", URL, "--dry-run"]).await;
    planned.expect(0);
    assert!(planned.out.contains(URL) && planned.out.contains("lane_paused"), "{}", planned.out);
    narrow(&planned.out);
    run(&world, &["lanes", "resume", &id]).await.expect(0);
    run(&world, &["lanes", "pause", "4711"]).await.expect(4);
    let refused = run(&world, &["prefetch", "https://www.example.com/a b", "--dry-run"]).await;
    refused.expect(2);
    assert!(refused.err.contains("https://www.example.com/a b: "), "{}", refused.err);
    for (words, key) in [
        (&["quota", "--json"][..], "items"),
        (&["lanes", "--json"], "items"),
        (&["lanes", "resume", &id, "--json"], "depth"),
        (&["refresh", URL, "--dry-run", "--json"], "lanes"),
    ] {
        let ended = run(&world, words).await;
        ended.expect(0);
        let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
        assert!(!answer[key].is_null(), "{answer}");
    }
    assert_eq!(world.get("/v1/jobs").await.body["items"].as_array().map(Vec::len), Some(1), "a plan makes no job");
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
