//! Hosts that are not the account's or are offline, and lost answers, beside targets that can be refreshed.

use std::time::Duration;

use refreshd::sandbox::{Area, Fault, FaultRule, PoolChange, TaskKind};
use serde_json::{Value, json};

use crate::support::World;

async fn posted(world: &World, body: &Value) -> String {
    let accepted = world.post(body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    accepted.body["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_urls_of_unknown_hosts_among_a_thousand_fail_alone_in_a_few_calls() {
    let world = World::start().await;
    let mut urls: Vec<String> = (0..997).map(|n| format!("https://www.example.com/{n}.js")).collect();
    for (place, host) in [(3, "a"), (500, "b"), (999, "c")] {
        urls.insert(place, format!("https://{host}.example.org/x.js"));
    }
    let id = posted(&world, &json!({"operation": "purge", "urls": urls, "verify": false})).await;
    let job = world.proved(&id).await;
    assert_eq!((&job["status"], &job["counts"]["succeeded"]), (&json!("partial"), &json!(997)), "{job}");
    let mut failed = Vec::new();
    for cursor in ["", "&cursor=500"] {
        let page = world.get(&format!("/v1/jobs/{id}/items?limit=500{cursor}")).await.body;
        failed
            .extend(page["items"].as_array().expect("items").iter().filter(|item| item["state"] == "failed").cloned());
    }
    assert_eq!(failed.len(), 3, "{failed:?}");
    for item in &failed {
        assert!(item["target"].as_str().is_some_and(|target| target.contains("example.org")), "{item}");
        assert_eq!(item["error"]["code"], "ResourceNotFound.CdnHostNotExists");
        assert!(item["error"]["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{item}");
    }
    let calls = world.calls("PurgeUrlsCache").len();
    assert!(calls <= 40, "{calls} calls");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_urls_of_one_unknown_host_fail_with_one_call() {
    let world = World::start().await;
    let urls: Vec<String> = (0..300).map(|n| format!("https://nobody.example.org/{n}.js")).collect();
    let id = posted(&world, &json!({"operation": "purge", "urls": urls, "verify": false})).await;
    assert_eq!(world.proved(&id).await["counts"]["failed"], 300);
    assert_eq!(world.calls("PurgeUrlsCache").len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_host_parks_and_the_others_go() {
    let world = World::start().await;
    let offline =
        Fault::Refuse { code: "ResourceUnavailable.CdnHostIsNotOnline".to_owned(), message: "off".to_owned() };
    let mut rule = FaultRule::new("PurgeUrlsCache", offline);
    rule.host = Some("static.example.com".to_owned());
    world.sandbox.cloud().set_faults(vec![rule]);
    let urls = ["https://static.example.com/1", "https://www.example.com/1", "https://static.example.com/2"];
    let mixed = posted(&world, &json!({"operation": "purge", "urls": urls, "verify": false})).await;
    let job = world.until(&mixed, |job| job["counts"]["succeeded"] == 1 && job["counts"]["pending"] == 2).await;
    assert_eq!(job["waiting"]["reason"], "host_parked", "{job}");
    assert!(job["waiting"]["detail"].as_str().is_some_and(|detail| detail.contains("CdnHostIsNotOnline")), "{job}");
    assert!(job["waiting"]["until"].is_string(), "{job}");
    for n in 0..3 {
        let urls = [format!("https://www.example.com/later/{n}"), format!("https://static.example.com/later/{n}")];
        let later = posted(&world, &json!({"operation": "purge", "urls": urls, "verify": false})).await;
        world.until(&later, |job| job["counts"]["succeeded"] == 1).await;
    }
    let refused = world.calls("PurgeUrlsCache").iter().filter(|code| code.is_some()).count();
    assert!(refused <= 2, "{refused} refused calls: a parked host costs its lane nothing");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_cost_no_quota_twice_however_late_the_list_is() {
    let world = World::with(|_| (), "quota.reserve = 0").await;
    let cloud = world.sandbox.cloud();
    let batch = PoolChange { kind: TaskKind::PurgeUrl, area: Area::Global, total: None, batch: Some(200), spend: 0 };
    cloud.change_quota(&batch);
    cloud.set_faults(vec![
        FaultRule::new("PurgeUrlsCache", Fault::LoseAnswer).every(3),
        FaultRule::new("PurgeUrlsCache", Fault::LateListing { delay: Duration::from_secs(2) }),
    ]);
    let mut ids = Vec::new();
    for job in 0..10 {
        let urls: Vec<String> = (0..1000).map(|n| format!("https://www.example.com/{job}/{n}.js")).collect();
        ids.push(posted(&world, &json!({"operation": "purge", "urls": urls, "verify": false})).await);
    }
    for id in &ids {
        let job = world.proved(id).await;
        assert_eq!((&job["status"], &job["counts"]["succeeded"]), (&json!("succeeded"), &json!(1000)), "{job}");
    }
    let spent: Vec<u64> =
        cloud.quota().iter().filter(|pool| pool.kind == TaskKind::PurgeUrl).map(|pool| pool.spent).collect();
    assert!(spent.iter().all(|spent| *spent == 10_000), "{spent:?}");
    let calls = world.calls("PurgeUrlsCache");
    assert_eq!(calls.len(), 50, "no call twice, none too many");
    world.end().await;
}
