//! `refreshd quota`, `lanes` and `--dry-run`, against the real daemon.

use serde_json::Value;

use crate::http::fixtures::{URL, lane, posted, purge};
use crate::support::World;
use crate::support::binary::{Ended, refreshd};

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
