//! Files of earlier versions: whatever was kept is there under today's schema.

use std::path::{Path, PathBuf};

use refreshd::store::sqlite::SqliteStore;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use super::database;

/// The last version whose `jobs` had a foreign key.
const BEFORE_LEAN_CHECKS: i64 = 17;

#[tokio::test]
async fn jobs_from_before_their_checks_were_lean_are_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    let mut old = connect(&path).await;
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
         insert into job_warnings (job_id, warnings) values (7, '[[\"code\",\"detail\",\"\"]]');",
    )
    .execute(&mut old)
    .await
    .expect("a job");
    let columns = columns(&mut old).await;
    let before = row(&mut old, &columns).await;
    drop(old);

    drop(SqliteStore::open(&path).await.expect("a store"));
    let mut new = connect(&path).await;
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
    sqlx::query_scalar(AssertSqlSafe(format!("select concat_ws(', ', {}) from jobs", written.join(", "))))
        .fetch_one(db)
        .await
        .expect("a job")
}
