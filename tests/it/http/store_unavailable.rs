//! A database that cannot be written: a temporary error in answers, health and metrics.

use serde_json::json;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_keep_a_job_is_unavailable_and_not_ready() {
    let world = World::start().await;
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/a"], "verify": false});
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.folder().join("refreshd.db"));
    let mut other: SqliteConnection = options.connect().await.expect("a connection");
    sqlx::raw_sql("begin immediate").execute(&mut other).await.expect("the write lock");

    let (refused, ready) = tokio::join!(world.post(&body), world.get("/readyz"));
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("store_unavailable")), "{}", refused.body);
    assert_eq!(refused.body["retryable"], true);
    assert_eq!(refused.headers["retry-after"], refused.body["retry_after_s"].to_string());
    assert_eq!((ready.status, &ready.body["problems"][0]), (503, &json!("the database cannot be written")));

    sqlx::raw_sql("rollback").execute(&mut other).await.expect("the lock is let go");
    other.close().await.expect("closed");
    assert_eq!(world.get("/readyz").await.status, 200);
    assert_eq!(world.post(&body).await.status, 202);
    world.end().await;
}
