//! The store on SQLite: the suite, and what is true of this one alone.

use refreshd::store::Store;
use refreshd::store::sqlite::SqliteStore;
use tempfile::TempDir;

use super::recounted::Recounted;
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

pub async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("refreshd.db");
    let store = SqliteStore::open(&path).await.expect("a store");
    Fresh { store: Recounted { store, books: Books::open(&path) }, folder }
}

crate::store::exercise!(crate::store::sqlite::fresh);
