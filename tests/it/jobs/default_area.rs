//! Jobs that name no area: they go where the provider says that their domains are served.

use std::time::Duration;

use refreshd::sandbox::{Area, Domain, Fault, FaultRule, OriginContent};
use serde_json::{Value, json};

use crate::support::World;

async fn two_areas() -> World {
    let mut near = Domain::new("static.example.com");
    near.area = Area::Mainland;
    let world = World::with(move |sandbox| sandbox.domains = vec![Domain::new("www.example.com"), near], "").await;
    for host in ["www.example.com", "static.example.com"] {
        world.sandbox.cloud().put_origin(OriginContent::new(host, "/a.css", "a")).expect("origin content");
    }
    world
}

fn job(operation: &str, hosts: &[&str]) -> Value {
    let urls: Vec<String> = hosts.iter().map(|host| format!("https://{host}/a.css")).collect();
    json!({"operation": operation, "urls": urls, "verify": false})
}

/// The plan's lanes as `area pools…`, once the domains were read.
async fn planned(world: &World, job: &Value, lanes: usize) -> Vec<String> {
    for _ in 0..600 {
        let plan = world.send(world.http().post(world.url("/v1/plan")).json(job)).await.body;
        let found = plan["lanes"].as_array().cloned().unwrap_or_default();
        let shown = |lane: &Value| {
            let pools =
                lane["pools"].as_array().expect("pools").iter().map(|pool| pool["pool"].as_str().expect("a name"));
            format!("{} {}", lane["area"].as_str().expect("an area"), pools.collect::<Vec<_>>().join(" "))
        };
        let shown: Vec<String> = found.iter().map(shown).collect();
        if shown.len() == lanes && shown.iter().all(|lane| lane.contains("-")) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the domains were never read");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_area_goes_where_its_domain_is_served() {
    let world = two_areas().await;
    let both = ["www.example.com", "static.example.com"];
    let lanes = planned(&world, &job("purge", &both), 2).await;
    assert_eq!(lanes, ["own purge-url-mainland purge-url-overseas", "mainland purge-url-mainland"]);
    for operation in ["prefetch", "purge", "refresh"] {
        let accepted = world.post(&job(operation, &both)).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let job = world.proved(accepted.body["id"].as_str().expect("an id")).await;
        assert_eq!(job["status"], "succeeded", "{operation}: {job}");
    }
    // Asked for globally, the mainland's domain would be refused and isolated.
    let refused = |action| world.calls(action).into_iter().flatten().count();
    assert_eq!((refused("PushUrlsCache"), refused("PurgeUrlsCache")), (0, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_read_the_domains_asks_for_all_areas() {
    let world = two_areas().await;
    let denied =
        Fault::Refuse { code: "UnauthorizedOperation.CdnCamUnauthorized".to_owned(), message: "no".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("DescribeDomainsConfig", denied)]);
    let accepted = world.post(&job("prefetch", &["www.example.com"])).await;
    let job = world.proved(accepted.body["id"].as_str().expect("an id")).await;
    assert_eq!(job["status"], "succeeded", "{job}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_due_yet_is_purged_wherever_it_may_be_cached_by_then() {
    let world = two_areas().await;
    let hosts = ["static.example.com"];
    assert_eq!(planned(&world, &job("purge", &["www.example.com", "static.example.com"]), 2).await.len(), 2);
    let mut later = job("purge", &hosts);
    later["not_before"] = json!("2099-01-01T00:00:00Z");
    assert_eq!(planned(&world, &later, 1).await, ["own purge-url-mainland purge-url-overseas"]);
    world.end().await;
}
