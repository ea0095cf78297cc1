//! The ledger checker seen red: each way in which a database can lie is told of.

use refreshd::sandbox::{TaskKind, TaskView};
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{Job, Store};
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use super::database;
use crate::store::fixtures::{at, batch, do_all, keep, lane_of, purge, refresh, travelling, url};
use crate::support::acknowledged_jobs::{Acknowledged, violations};

fn acknowledged(job: &Job) -> Acknowledged {
    Acknowledged { id: job.id.to_string(), items: job.counts.total() as usize }
}

fn task(id: &str, urls: std::ops::Range<u32>) -> TaskView {
    let targets = urls.map(|n| (url(n).as_str().to_owned(), "done")).collect();
    TaskView { id: id.to_owned(), kind: TaskKind::PurgeUrl, created_at: at(2), targets }
}

/// A daemon's file with a finished job, one under way and one that waits.
async fn stopped(folder: &TempDir) -> Vec<Acknowledged> {
    let store = SqliteStore::open(&database(folder)).await.expect("a store");
    let done = keep(&store, purge(0..3), at(1)).await;
    let lane = lane_of(&store, &done, 0).await;
    do_all(&store, lane, at(2)).await;
    let sent = keep(&store, purge(10..15), at(3)).await;
    travelling(&store, lane, 2, at(4)).await;
    batch(&store, lane, 2, at(4)).await;
    let waiting = keep(&store, refresh(20..22, 0..1), at(5)).await;
    store.drain(std::time::Duration::from_secs(5)).await;
    [done, sent, waiting].iter().map(acknowledged).collect()
}

async fn spoil(folder: &TempDir, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database(folder));
    let mut db: SqliteConnection = options.connect().await.expect("a connection");
    sqlx::raw_sql(sql).execute(&mut db).await.expect("spoilt");
}

#[tokio::test]
async fn an_honest_file_has_no_violations() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = stopped(&folder).await;
    let tasks = [task("task-1-1", 0..3), task("task-1-2", 10..12)];
    assert_eq!(violations(&database(&folder), &kept, Some(&tasks), false).await, Vec::<String>::new());
    let open = violations(&database(&folder), &kept, None, true).await;
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.iter().all(|fault| fault.contains("never ended")), "{open:?}");
}

#[tokio::test]
async fn a_lost_job_and_a_target_sent_twice_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = stopped(&folder).await;
    kept.push(Acknowledged { id: format!("job_{:032x}", 7), items: 1 });
    kept[0].items = 4;
    let tasks = [task("task-1-1", 0..3), task("task-1-2", 10..12), task("stray", 2..3), task("task-1-2", 30..31)];
    let told = violations(&database(&folder), &kept, Some(&tasks), false).await;
    for expected in [
        "is lost",
        "with 4 items and has 3",
        "task stray is no submission's",
        "2.js was asked for 1 times and given to the cloud 2 times",
        "30.js was asked for 0 times",
    ] {
        assert!(told.iter().any(|fault| fault.contains(expected)), "{expected}: {told:?}");
    }
    assert_eq!(told.len(), 5, "{told:?}");
}

#[tokio::test]
async fn every_rule_is_seen_to_be_broken() {
    for (sql, rule) in [
        ("update jobs set succeeded = succeeded - 1, failed = failed + 1 where id = 1", "a job counts its items"),
        ("update jobs set started = 1 where id = (select max(id) from jobs)", "a job counts its items"),
        ("delete from items where id = 9", "a job's items are one unbroken run"),
        ("update items set job_id = 77 where id = 9", "a job's items are one unbroken run"),
        ("update items set lane_id = 77 where id = 9", "a job's items are one unbroken run"),
        ("update depths set due = due + 1", "a lane knows its depth"),
        ("update items set state = 1, due_at = 5 where id = 9", "a lane knows its depth"),
        ("update jobs set finished_at = null where id = 1", "a job ends when its last item does"),
        ("update jobs set finished_at = 5 where id = (select max(id) from jobs)", "a job ends when its last item does"),
        (
            "update jobs set verification = 'fresh' where id > (select min(id) from jobs)",
            "a job ends when its last item does",
        ),
        ("update events set items = items + 1 where kind = 'settled'", "the events tell each end once"),
        ("update events set kind = 'settled' where kind = 'submitted'", "the events tell each end once"),
        ("delete from events where kind = 'finished'", "the events tell each end once"),
        ("delete from events where seq = (select min(seq) from events)", "events are numbered without a gap"),
        ("delete from events where seq = (select max(seq) from events)", "events are numbered without a gap"),
        ("update events set job_id = seq + 1", "events are numbered without a gap"),
        ("update items set due_at = 5 where state = 0", "an item stands as its state says"),
        ("update items set state = 3 where id = 1", "an item stands as its state says"),
        ("update items set state = 5 where id = 1", "an item stands as its state says"),
        ("update items set state = 0 where state = 3", "an item stands as its state says"),
        ("update submissions set targets = targets + 1 where id = 2", "a submission stands as its state says"),
        ("update submissions set state = 'settled' where id = 3", "a submission stands as its state says"),
        ("update submissions set task_id = null where id = 1", "a submission stands as its state says"),
        ("update submissions set task_id = 'one' where task_id is not null", "a task belongs to one submission"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = stopped(&folder).await;
        spoil(&folder, sql).await;
        let told = violations(&database(&folder), &kept, None, false).await;
        assert!(told.iter().any(|fault| fault.starts_with(rule)), "{sql}\n{rule}:\n{}", told.join("\n"));
    }
}

/// A killed daemon leaves its write-ahead log behind, and most of the truth in it.
#[tokio::test]
async fn the_file_of_a_killed_daemon_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(&database(&folder)).await.expect("a store");
    let kept = acknowledged(&keep(&store, purge(0..30), at(1)).await);
    let left = tempfile::tempdir().expect("a folder");
    for name in ["refreshd.db", "refreshd.db-wal"] {
        std::fs::copy(folder.path().join(name), left.path().join(name)).expect("a copy");
    }
    assert_eq!(violations(&database(&left), &[kept], None, false).await, Vec::<String>::new());
    store.drain(std::time::Duration::from_secs(1)).await;
}
