//! What a diagnosis may be about, and who may read it afterwards.

use serde_json::json;

use crate::http::diagnoses::{Stub, a_second, ask, guarded_world, look, posted, token, world};
use crate::support::binary::{Ended, refreshd};

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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_looked_at_where_no_route_leads() {
    let (mut world, stub) = guarded_world().await;
    let shop = token(&world, "shop", &[]);
    let narrow = token(&world, "shop", &["purge:url@www.example.com", "diagnose"]);
    let on_call = token(&world, "ops", &["oncall", "diagnose"]);
    a_second().await;
    let elsewhere = "https://elsewhere.example/a.js";
    let (url, host) = (json!({"url": elsewhere}), json!({"host": "elsewhere.example"}));
    // A star covers every host.
    assert_eq!(ask(&world, &shop, &url).await.status, 200);
    let job = json!({"job": posted(&world, &shop, &[elsewhere]).await});
    world.stop_daemon().await;
    world.reconfigure(|text| text.replace("host = \"*\"", "host = \"*.example.com\""));
    world.start_daemon().await;
    let so_far = stub.cases().len();
    for token in [&shop, &on_call] {
        for (body, pointer) in [(&url, "/url"), (&host, "/host")] {
            let refused = ask(&world, token, body).await;
            let fault = &refused.body["errors"][0];
            assert_eq!((refused.status, &fault["pointer"], &fault["code"]), (422, &json!(pointer), &json!("no_route")));
            let detail = fault["detail"].as_str().expect("words");
            assert!(detail.contains("{ host = \"elsewhere.example\", account = … } to routes"), "{detail}");
        }
    }
    assert_eq!(ask(&world, &narrow, &url).await.status, 403, "what is routed is not for who may not touch it");
    let command = |subject: &'static str| {
        let mut command = refreshd(world.url("").trim_end_matches('/'));
        command.env("REFRESHD_TOKEN", &shop).args(["diagnose", subject]);
        Ended::of(tokio::task::block_in_place(|| command.output().expect("the binary runs")))
    };
    for subject in ["https://elsewhere.example/a.js", "elsewhere.example"] {
        let ended = command(subject);
        ended.expect(2);
        assert!(ended.err.contains("to routes"), "{}", ended.err);
    }
    assert_eq!(stub.cases().len(), so_far, "nobody looked");
    command("https://www.example.com/a.js").expect(0);
    // What became of a job is told also when its route is gone.
    assert_eq!(ask(&world, &shop, &job).await.status, 200);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attempts_of_a_case_are_the_jobs_last_ones() {
    let (world, stub): (_, std::sync::Arc<Stub>) = world().await;
    let body =
        json!({"operation": "purge", "urls": ["https://www.example.com/a.js"], "not_before": "2099-01-01T00:00:00Z"});
    let id = world.post(&body).await.body["id"].as_str().expect("an id").to_owned();
    // More than anybody reads through.
    let path = world.folder().join("refreshd.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let db = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    sqlx::query(
        "insert into events (job_id, at, kind, message) \
         with recursive n (n) as (select 1 union all select n + 1 from n where n < 6000) \
         select j.id, j.created_at + n, 'released', 'attempt ' || n from n, jobs as j",
    )
    .execute(&db)
    .await
    .expect("written");
    db.close().await;
    assert_eq!(ask(&world, "", &json!({"job": id})).await.status, 200);
    let attempts = stub.last().request.expect("a request").attempts;
    let told = |place: usize| attempts[place].what.rsplit("attempt ").next().unwrap_or_default().to_owned();
    assert_eq!((attempts.len(), told(0), told(99)), (100, "5901".to_owned(), "6000".to_owned()));
    world.end().await;
}
