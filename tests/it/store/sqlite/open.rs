//! Opening the file: who owns it, and which files are refused rather than guessed at.

use refreshd::store::Store;
use refreshd::store::sqlite::{OpenError, SqliteStore};
use sqlx::{ConnectOptions, Connection};

use super::{database, fresh};
use crate::store::fixtures::{at, job, keep, lane_of, purge, states, travelling};
use crate::support::Books;

#[tokio::test]
async fn a_file_has_one_owner() {
    let fresh = fresh().await;
    let path = database(&fresh.folder);
    let second = SqliteStore::open(&path).await;
    assert!(matches!(&second, Err(OpenError::Owned(owned)) if *owned == path), "{:?}", second.err());
    keep(fresh.store(), purge(0..1), at(1)).await;
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let fresh = fresh().await;
    let path = database(&fresh.folder);
    let store = &fresh.store.store;
    let kept = keep(store, purge(0..30), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    travelling(store, lane, 5, at(2)).await;
    let before = job(store, &kept).await;
    fresh.store.store.drain(std::time::Duration::from_secs(5)).await;
    let folder = fresh.folder;
    drop(fresh.store);
    let again = SqliteStore::open(&path).await.expect("a store");
    assert_eq!(job(&again, &kept).await, before);
    assert_eq!(states(&again, &kept).await.matches('t').count(), 5);
    let next = keep(&again, purge(0..2), at(3)).await;
    assert!(next.row.number() > kept.row.number());
    assert_eq!(lane_of(&again, &next, 0).await, lane, "names are found again");
    Books::open(&path).balance("a restart").await;
    drop(folder);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    drop(SqliteStore::open(&path).await.expect("a store"));
    let mut db = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.expect("a connection");
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (9999, 'of the future', true, x'00', 1)",
    )
    .execute(&mut db)
    .await
    .expect("a newer schema");
    db.close().await.expect("closed");
    let refused = SqliteStore::open(&path).await.err();
    assert!(matches!(&refused, Some(OpenError::Newer { version: 9999, .. })), "{refused:?}");
    // It was refused before anything was changed, and is not owned any more.
    assert!(matches!(SqliteStore::open(&path).await.err(), Some(OpenError::Newer { .. })));
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, length) in [("a page", 4096), ("a few bytes", 7), ("many pages", 100_000)] {
        let path = folder.path().join(name);
        std::fs::write(&path, b"garbage ".iter().cycle().take(length).copied().collect::<Vec<u8>>()).expect("a file");
        let before = std::fs::read(&path).expect("a file");
        let refused = SqliteStore::open(&path).await.err();
        assert!(matches!(&refused, Some(OpenError::Damaged { .. })), "{name}: {refused:?}");
        assert_eq!(std::fs::read(&path).expect("a file"), before, "it is kept for an inspection");
    }
}

/// A page in the middle is overwritten: the header is fine, the tree is not.
#[tokio::test]
async fn a_torn_page_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    let store = SqliteStore::open(&path).await.expect("a store");
    keep(&store, purge(0..20_000), at(1)).await;
    store.drain(std::time::Duration::from_secs(5)).await;
    drop(store);
    let mut db = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.expect("a connection");
    sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut db).await.expect("a checkpoint");
    db.close().await.expect("closed");
    let mut bytes = std::fs::read(&path).expect("a file");
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).expect("a file");
    let refused = SqliteStore::open(&path).await.err();
    assert!(matches!(&refused, Some(OpenError::Damaged { .. })), "{refused:?}");
}
