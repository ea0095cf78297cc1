//! The store on SQLite: the suite, and what is true of this one alone.

mod disk_full;
mod ledger_checker_selftest;
mod model_based;
mod open;
mod pause_audit;
mod query_plans;
mod speed;
mod upgrade;
mod writer;

use std::path::PathBuf;

use refreshd::domain::{ErrorClass, Failure};
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{Guarded, ReleaseAction, Store};
use tempfile::TempDir;

use super::fixtures::{at, do_all, give_back, keep, lane_of, refresh, settle, states, travelling};
use super::recounting_store::Recounted;
use crate::support::Books;

/// A store on a file of its own.
pub struct Fresh {
    pub store: Recounted<SqliteStore>,
    pub folder: TempDir,
}

impl Fresh {
    pub fn store(&self) -> &dyn Store {
        &self.store
    }
}

pub fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("refreshd.db")
}

pub async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    let store = SqliteStore::open(&path).await.expect("a store");
    Fresh { store: Recounted { store, books: Books::open(&path) }, folder }
}

crate::store::exercise!(crate::store::sqlite::fresh);

/// Rows of `failures` are evidence: where nothing failed, none is written.
#[tokio::test]
async fn what_did_not_happen_leaves_no_evidence() {
    let fresh = fresh().await;
    let store = fresh.store();
    let kept = keep(store, refresh(0..3, 0..1), at(1)).await;
    let claim = travelling(store, lane_of(store, &kept, 0).await, 9, at(2)).await;
    settle(store, claim.submission, &[], at(3)).await;
    do_all(store, lane_of(store, &kept, 3).await, at(4)).await;
    do_all(store, lane_of(store, &kept, 4).await, at(5)).await;
    assert_eq!(states(store, &kept).await, "sssssss");
    let failure = Failure::new(ErrorClass::Lost, "timeout", "no answer");
    let late = store.mark_ambiguous(claim.submission, failure, at(6), at(6)).await.expect("an outcome");
    assert_eq!(
        (late, give_back(store, claim.submission, ReleaseAction::Requeue, at(6)).await),
        (Guarded::Conflict, Guarded::Conflict)
    );
    let kept: i64 = sqlx::query_scalar("select count(*) from failures")
        .fetch_one(fresh.store.books.rows())
        .await
        .expect("a readable database");
    assert_eq!(kept, 0);
}
