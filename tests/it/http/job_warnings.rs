//! What is told of a job before anything is sent: targets that will not reach what people mean, and what is one object.

use std::time::Duration;

use refreshd::sandbox::{Domain, Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;
use crate::support::binary::{Ended, refreshd};

/// `www` as domains are by default; `blind`, which knows neither queries nor case; `twice`, which keeps schemes apart.
async fn world() -> World {
    let keyed = |name: &str, key: Value| Domain {
        cache_key: serde_json::from_value(key).expect("a cache key"),
        ..Domain::new(name)
    };
    let domains = vec![
        Domain::new("www.example.com"),
        keyed("blind.example.com", json!({"FullUrlCache": "off", "IgnoreCase": "on"})),
        keyed("twice.example.com", json!({"Scheme": {"Switch": "on"}})),
    ];
    World::with(move |sandbox| sandbox.domains = domains, "").await
}

async fn planned(world: &World, job: &Value) -> Value {
    world.send(world.http().post(world.url("/v1/plan")).json(job)).await.body
}

/// Waits until the domains were read.
async fn read(world: &World) {
    let odd = json!({"operation": "purge", "urls": ["https://blind.example.com/?v=1"]});
    for _ in 0..600 {
        if planned(world, &odd).await["warnings"] != json!([]) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the domains were never read");
}

fn shown(warnings: &Value) -> Vec<(&str, &str)> {
    let all = warnings.as_array().expect("warnings");
    all.iter().map(|it| (it["code"].as_str().expect("a code"), it["pointer"].as_str().expect("a pointer"))).collect()
}

fn odd() -> Value {
    json!({"operation": "purge", "verify": false, "urls": [
        "https://www.example.com/App.js?v=1",
        "https://www.example.com/a//b.js",
        "https://blind.example.com/App.js?v=1",
        "HTTPS://www.example.com:443/App.js?v=1",
        "http://blind.example.com/app.js",
        "https://blind.example.com/one.css?x=1",
        "https://twice.example.com/1",
        "https://twice.example.com/2",
        "http://twice.example.com/2",
        "https://twice.example.com/3",
        "https://nobody.example.org/",
    ], "directories": ["https://www.example.com/x.png/"]})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_reach_what_is_meant_is_told_before_and_kept_with_the_job() {
    let mut world = world().await;
    read(&world).await;
    let plan = planned(&world, &odd()).await;
    let warnings = &plan["warnings"];
    let expected = [
        ("unknown_host", "/urls/10"),
        ("same_object", "/urls/2"),
        ("double_slash", "/urls/1"),
        ("query_ignored", "/urls/5"),
        ("scheme_apart", "/urls/6"),
        ("slash_after_file", "/directories/0"),
    ];
    assert_eq!(shown(warnings), expected, "{plan}");
    let offered = [
        (1, "2 URLs", "https://blind.example.com/app.js"),
        (2, "two slashes", "https://www.example.com/a/b.js"),
        (3, "whatever its query", "https://blind.example.com/one.css"),
        (4, "1 more of twice.example.com", "http://twice.example.com/1"),
        (5, "a directory", "https://www.example.com/x.png"),
    ];
    for (place, word, offer) in offered {
        let detail = warnings[place]["detail"].as_str().expect("a detail");
        assert!(detail.contains(word) && detail.ends_with(&format!(" {offer}")), "{place}: {detail}");
    }

    let accepted = world.post(&odd()).await;
    assert_eq!((accepted.status, &accepted.body["warnings"]), (202, warnings), "{}", accepted.body);
    assert_eq!(accepted.body["counts"]["total"], 11, "all of it is sent, and nothing else");
    let path = format!("/v1/jobs/{}", accepted.body["id"].as_str().expect("an id"));
    // Also where nobody knows the domains yet: it is what was told then.
    let denied =
        Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("DescribeDomainsConfig", denied)]);
    world.stop_daemon().await;
    world.start_daemon().await;
    assert_eq!(&world.get(&path).await.body["warnings"], warnings);
    let listed = &world.get("/v1/jobs").await.body["items"][0]["warnings"];
    assert_eq!(listed.as_array().map(|some| &some[..3]), warnings.as_array().map(|all| &all[..3]));
    // Spelling needs no facts.
    let blind = planned(&world, &odd()).await;
    assert_eq!(shown(&blind["warnings"]), [("double_slash", "/urls/1"), ("slash_after_file", "/directories/0")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_warnings_the_first_are_told_and_the_rest_is_counted() {
    let world = world().await;
    read(&world).await;
    let urls: Vec<String> = (0..300).map(|n| format!("https://blind.example.com/{n}?v=1")).collect();
    let accepted = world.post(&json!({"operation": "purge", "verify": false, "urls": urls})).await.body;
    let warnings = accepted["warnings"].as_array().expect("warnings");
    assert_eq!((warnings.len(), &warnings[99]["pointer"]), (101, &json!("/urls/99")));
    assert_eq!((&warnings[100]["code"], &warnings[100]["pointer"]), (&json!("more_warnings"), &json!("")));
    assert!(warnings[100]["detail"].as_str().expect("a detail").starts_with("200 more "), "{}", warnings[100]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_names_what_was_written() {
    let world = world().await;
    read(&world).await;
    let run = async |words: &[&str]| {
        let mut command = refreshd(&world.url(""));
        command.args(words);
        Ended::of(tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ran"))
    };
    let url = "https://blind.example.com/a.css?v=1";
    let plan = run(&["purge", url, "--dry-run"]).await;
    plan.expect(0);
    assert!(plan.out.contains(&format!("warning       {url}: ")), "{}", plan.out);
    let submitted = run(&["purge", url, "--no-verify"]).await;
    submitted.expect(0);
    assert!(submitted.err.starts_with(&format!("warning: {url}: ")), "{}", submitted.err);
    assert!(submitted.err.trim_end().ends_with(" https://blind.example.com/a.css"), "{}", submitted.err);
    let told = run(&["job", submitted.out.trim()]).await;
    assert!(told.out.contains("warning       /urls/0: "), "{}", told.out);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_the_first_warnings_of_a_job_and_counts_the_rest() {
    let world = world().await;
    read(&world).await;
    let urls = |count: usize, more: &str| -> Vec<String> {
        (0..count).map(|n| format!("https://blind.example.com/{n}{more}?v=1")).collect()
    };
    let mut posted = Vec::new();
    for urls in [urls(3, ""), urls(10, ""), urls(150, ""), urls(2, &"x".repeat(900))] {
        let job = world.post(&json!({"operation": "purge", "verify": false, "urls": urls})).await.body;
        posted.push(job["id"].as_str().expect("an id").to_owned());
    }
    let list = world.get("/v1/jobs").await.body;
    let listed = |id: &str| {
        let jobs = list["items"].as_array().expect("jobs");
        jobs.iter().find(|job| job["id"] == id).expect("the job")["warnings"].clone()
    };
    let mut counts = Vec::new();
    for id in &posted {
        let (all, some) = (world.get(&format!("/v1/jobs/{id}")).await.body["warnings"].clone(), listed(id));
        let (all, some) = (all.as_array().expect("warnings"), some.as_array().expect("warnings").clone());
        let told = some.iter().take_while(|warning| warning["code"] != "more_warnings").count();
        assert_eq!(some[..told], all[..told], "the first ones, as they are");
        counts.push((told, all.len(), some.get(told).map(|more| more["detail"].as_str().expect("words").to_owned())));
    }
    let (few, ten, many, long) = (&counts[0], &counts[1], &counts[2], &counts[3]);
    assert_eq!((few.0, few.1, few.2.as_ref()), (3, 3, None));
    let more = |count: usize, job: usize| {
        format!("{count} more of this job's warnings are listed by GET /v1/jobs/{}", posted[job])
    };
    assert_eq!((ten.0, ten.1, ten.2.as_ref()), (3, 10, Some(&more(7, 1))));
    let beyond = many.2.as_ref().expect("a count");
    assert!(many.0 == 3 && beyond.starts_with(&more(many.1 - 4, 2)) && beyond.contains("; beyond these, "), "{many:?}");
    assert!(long.0 < 2 && long.2.is_some(), "a page has five hundred of them: {long:?}");
    world.end().await;
}
