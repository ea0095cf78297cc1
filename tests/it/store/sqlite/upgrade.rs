//! Files of earlier versions: whatever was kept is there under today's schema.

use std::path::{Path, PathBuf};

use refreshd::domain::JobId;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{EventKind, Job, Page, Store};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use tempfile::TempDir;

use super::database;
use crate::store::fixtures::{at, keep, lane_of, purge, travelling};

/// The last version whose `jobs` had a foreign key.
const BEFORE_LEAN_CHECKS: i64 = 17;

/// A file with two jobs of then, to whom something happened in turn.
async fn old_file(folder: &TempDir) -> SqliteConnection {
    let mut old = connect(&database(folder)).await;
    migrate(&mut old, folder.path(), BEFORE_LEAN_CHECKS).await;
    sqlx::raw_sql(
        "insert into tenants (id, name) values (3, 'shop');
         insert into jobs (
             id, public_id, tenant_id, operation, priority, source, labels, notify, not_before, deadline, merged, first_item,
             pair_offset, pending, submitted, succeeded, failed, cancelled, expired, started, verification, verify_due_at,
             verify_looks, retry_of, created_at, finished_at, cancelled_at, version, area, verify_host, host
         )
         values (
             7, x'00112233445566778899aabbccddeeff', 3, 'refresh', 2, 'ci', '{\"a\":\"b\"}', 'me', 11, 12, 13, 14,
             15, 16, 17, 18, 19, 20, 21, 1, 'stale', 22, 23, x'01', 24, 25, 26, 27, 'overseas', 'a.example', 'b.example'
         );
         insert into jobs (
             id, public_id, tenant_id, operation, priority, labels, merged, first_item, pair_offset, pending, verification,
             created_at
         )
         values (8, x'8899aabbccddeeff0011223344556677', 3, 'purge', 1, '{}', 0, 200, 0, 2, 'none', 30);
         insert into events (seq, job_id, at, kind, items, message) values
             (7, 7, 24, 'accepted', 3, '3 items kept'), (8, 8, 30, 'accepted', 2, '2 items kept'),
             (9, 7, 31, 'claimed', 3, 'told of 7'), (10, 8, 32, 'claimed', 2, 'told of 8');
         insert into job_warnings (job_id, warnings) values (7, '[[\"code\",\"detail\",\"\"]]');",
    )
    .execute(&mut old)
    .await
    .expect("a job");
    old
}

#[tokio::test]
async fn jobs_from_before_their_checks_were_lean_are_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = old_file(&folder).await;
    let columns = columns(&mut old).await;
    let before = row(&mut old, &columns).await;
    drop(old);

    drop(SqliteStore::open(&database(&folder)).await.expect("a store"));
    let mut new = connect(&database(&folder)).await;
    assert_eq!(row(&mut new, &columns).await, before);
    let warned: String = sqlx::query_scalar("select warnings from job_warnings where job_id = 7")
        .fetch_one(&mut new)
        .await
        .expect("one");
    assert_eq!(warned, r#"[["code","detail",""]]"#);
    for (column, value) in [("operation", "'warm'"), ("verification", "'x'"), ("area", "'own'"), ("started", "2")] {
        let wrong = format!("update jobs set {column} = {value}");
        assert!(sqlx::query(AssertSqlSafe(wrong)).execute(&mut new).await.is_err(), "{column} may be {value}");
    }
}

#[tokio::test]
async fn what_happened_to_jobs_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(old_file(&folder).await);
    let store = SqliteStore::open(&database(&folder)).await.expect("a store");
    let id = JobId::from_u128(0x8899_aabb_ccdd_eeff_0011_2233_4455_6677);
    let old = store.job(id, None).await.expect("an answer").expect("a job");
    assert_eq!(told(&store, &old).await, [(8, EventKind::Accepted, Some(2)), (10, EventKind::Claimed, Some(2))]);

    let new = keep(&store, purge(0..2), at(1)).await;
    assert_eq!(new.row.number(), 11, "behind all that happened before");
    let lane = lane_of(&store, &new, 0).await;
    travelling(&store, lane, 2, at(2)).await;
    let next = keep(&store, purge(2..3), at(3)).await;
    let happened = told(&store, &new).await;
    assert_eq!(happened[0], (11, EventKind::Accepted, Some(2)));
    assert_eq!((happened[1].0, happened[1].1), (12, EventKind::Claimed));
    assert!(next.row.number() > happened.last().expect("an event").0);
}

#[tokio::test]
async fn a_wait_that_was_a_failure_is_a_wait_and_other_failures_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut old = connect(&database(&folder)).await;
    migrate(&mut old, folder.path(), 19).await;
    sqlx::raw_sql(
        "insert into lanes (id, account, operation, kind, area, mode) values (1, 'main', 'purge', 'url', 'mainland', '');
         insert into failures (id, class, code, message, at) values
             (1, 'quota', 'tenant_share', 'its share is spent', 1), (2, 'outage', 'X', 'down', 1);
         insert into items (id, job_id, lane_id, state, priority, rank, due_at, failure_id, target) values
             (1, 1, 1, 1, 1, 1, 9, 1, 'https://h.example/1'), (2, 1, 1, 1, 1, 2, 9, 2, 'https://h.example/2'),
             (3, 1, 1, 0, 1, 3, null, 1, 'https://h.example/3');",
    )
    .execute(&mut old)
    .await
    .expect("items");
    drop(old);

    drop(SqliteStore::open(&database(&folder)).await.expect("a store"));
    let mut new = connect(&database(&folder)).await;
    let items: Vec<(Option<String>, Option<String>, Option<i64>)> = sqlx::query_as(
        "select w.reason, w.detail, i.failure_id from items as i left join waits as w on w.id = i.wait_id order by i.id",
    )
    .fetch_all(&mut new)
    .await
    .expect("items");
    let wait = (Some("day_quota".to_owned()), Some("its share is spent".to_owned()), None);
    assert_eq!(items, [wait, (None, None, Some(2)), (None, None, None)]);
}

/// A job's events, page by page.
async fn told(store: &SqliteStore, job: &Job) -> Vec<(i64, EventKind, Option<u32>)> {
    let mut told = Vec::new();
    loop {
        let after = told.last().map_or(0, |(seq, _, _)| *seq);
        let page = store.events(job.row, Page { after, limit: 1 }).await.expect("a page");
        let Some(event) = page.first() else { return told };
        told.push((event.seq, event.kind, event.items));
    }
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.foreign_keys(true).connect().await.expect("a connection")
}

/// Brings the file to the schema of then, by the same files that did it then.
async fn migrate(db: &mut SqliteConnection, folder: &Path, last: i64) {
    let then = folder.join("migrations");
    std::fs::create_dir(&then).expect("a folder");
    for file in std::fs::read_dir("migrations/sqlite").expect("migrations") {
        let file: PathBuf = file.expect("a file").path();
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let version: i64 = name.split('_').next().expect("a number").parse().expect("a number");
        if version <= last {
            std::fs::copy(&file, then.join(name)).expect("a copy");
        }
    }
    Migrator::new(then).await.expect("migrations").run(db).await.expect("the schema of then");
}

async fn columns(db: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("select name from pragma_table_info('jobs')").fetch_all(db).await.expect("columns")
}

/// The only job, each column as SQLite writes it.
async fn row(db: &mut SqliteConnection, columns: &[String]) -> String {
    let written: Vec<String> = columns.iter().map(|name| format!("'{name} ' || quote({name})")).collect();
    sqlx::query_scalar(AssertSqlSafe(format!("select concat_ws(', ', {}) from jobs where id = 7", written.join(", "))))
        .fetch_one(db)
        .await
        .expect("a job")
}
