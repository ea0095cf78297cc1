//! Finding a job by whatever one knows of it.

use serde_json::{Value, json};
use url::Url;

use crate::support::{Answered, World};

async fn listed(world: &World, query: &[(&str, &str)]) -> Answered {
    let mut url = Url::parse(&world.url("/v1/jobs")).expect("a URL");
    url.query_pairs_mut().extend_pairs(query);
    world.send(world.http().get(url)).await
}

/// The ids on a page, newest first.
async fn found(world: &World, query: &[(&str, &str)]) -> Vec<String> {
    let answered = listed(world, query).await;
    assert_eq!(answered.status, 200, "{query:?}: {}", answered.body);
    let items = answered.body["items"].as_array().expect("items");
    items.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

async fn ended(world: &World, body: &Value) -> String {
    let id = world.post(body).await.body["id"].as_str().expect("an id").to_owned();
    world.proved(&id).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_found_by_whatever_one_knows_of_it() {
    let world = World::start().await;
    let done = json!({"operation": "purge", "urls": ["https://www.example.com/a?v=1"], "verify": false, "source": "shop",
        "labels": {"release": "7", "build": "2026.11"}});
    let done = ended(&world, &done).await;
    let refused = json!({"operation": "prefetch", "urls": ["https://nobody.example.org/b"], "verify": false});
    let refused = ended(&world, &refused).await;
    let items = world.get(&format!("/v1/jobs/{done}/items")).await.body;
    let of = |field: &str| items["items"][0][field].as_str().expect("a text").to_owned();
    let (task, request) = (of("task_id"), of("request_id"));
    let failed = world.get(&format!("/v1/jobs/{refused}/items")).await.body;
    let refusal = failed["items"][0]["request_id"].as_str().expect("the refusal's request id").to_owned();

    for (query, expected) in [
        (vec![], vec![&refused, &done]),
        (vec![("status", "succeeded")], vec![&done]),
        (vec![("status", "failed")], vec![&refused]),
        (vec![("status", "running")], vec![]),
        (vec![("operation", "prefetch")], vec![&refused]),
        (vec![("host", "WWW.example.com")], vec![&done]),
        (vec![("target", "HTTPS://www.example.com:443/a?v=1")], vec![&done]),
        (vec![("target", "https://www.example.com/a")], vec![]),
        (vec![("label", "release=7")], vec![&done]),
        (vec![("label", "release=8")], vec![]),
        (vec![("source", "shop")], vec![&done]),
        (vec![("tenant", "local")], vec![&refused, &done]),
        (vec![("tenant", "other")], vec![]),
        (vec![("since", "2020-01-01T00:00:00Z"), ("until", "2100-01-01T00:00:00Z")], vec![&refused, &done]),
        (vec![("until", "2020-01-01T00:00:00Z")], vec![]),
        (vec![("task_id", task.as_str())], vec![&done]),
        (vec![("q", done.as_str())], vec![&done]),
        (vec![("q", task.as_str())], vec![&done]),
        (vec![("q", request.as_str())], vec![&done]),
        (vec![("q", refusal.as_str())], vec![&refused]),
        (vec![("q", "nobody.example.org")], vec![&refused]),
        (vec![("q", "https://www.example.com/a?v=1")], vec![&done]),
        (vec![("q", "2026.11")], vec![&done]),
        (vec![("q", "2026")], vec![]),
        (vec![("status", "succeeded"), ("host", "nobody.example.org")], vec![]),
    ] {
        assert_eq!(found(&world, &query).await.iter().collect::<Vec<_>>(), expected, "{query:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_found_list_is_paged_to_its_end() {
    let world = World::start().await;
    let mut posted = Vec::new();
    for n in 0..5 {
        let body = json!({"operation": "purge", "urls": [format!("https://www.example.com/{n}")], "verify": false,
            "source": if n == 2 { "other" } else { "shop" }});
        posted.push(world.post(&body).await.body["id"].as_str().expect("an id").to_owned());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::from("0"));
    for _ in 0..9 {
        let query = [("source", "shop"), ("limit", "2"), ("cursor", &cursor)];
        let page = listed(&world, &query).await.body;
        seen.extend(
            page["items"].as_array().expect("items").iter().map(|job| job["id"].as_str().expect("an id").to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [4, 3, 1, 0].map(|n: usize| posted[n].clone()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_cannot_be_is_refused_by_name() {
    let world = World::start().await;
    let query = [("status", "done"), ("since", "yesterday"), ("label", "release")];
    let refused = listed(&world, &query).await;
    assert_eq!((refused.status, refused.body["errors"].as_array().map(Vec::len)), (422, Some(3)), "{}", refused.body);
    assert!(refused.body["errors"][0]["detail"].as_str().is_some_and(|detail| detail.starts_with("status: ")));
    world.end().await;
}
