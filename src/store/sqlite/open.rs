//! Opening the file: who owns it, what it must promise, and which versions of it we can read.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use thiserror::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The first SQLite without the WAL-reset corruption bug (3.7.0 to 3.51.2).
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
/// Readers look at bounded pages, so a few are enough.
const READERS_MAX: u32 = 4;
/// Callers' searches may take long; more at once would only take the disk from each other.
const LOOKERS_MAX: u32 = 4;
/// 16 MiB, in SQLite's way of writing (https://www.sqlite.org/pragma.html#pragma_cache_size). A claim touches more pages than the
/// 2 MiB of the default hold, and then reads and writes them several times over: it took twice as long, at ten thousand pending
/// items too.
const WRITER_CACHE: &str = "-16384";
/// Another process (`token create`) may hold the write lock for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the database cannot be used.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("another refreshd owns {path}; stop it, or give this one its own store.url", path = .0.display())]
    Owned(PathBuf),
    #[error(
        "{path} was written by a newer refreshd (its schema has version {version}); run that version, or restore a backup made by this one",
        path = .path.display()
    )]
    Newer { path: PathBuf, version: i64 },
    #[error("{path} is damaged: {detail}; restore a backup, and keep this file for an inspection", path = .path.display())]
    Damaged { path: PathBuf, detail: String },
    /// The path cannot work before a person mends it or its rights.
    #[error("cannot open {path}: {detail}", path = .path.display())]
    Unusable { path: PathBuf, detail: String },
    /// It may work the next time.
    #[error("cannot open {path}: {detail}", path = .path.display())]
    Failed { path: PathBuf, detail: String },
}

/// The parts of an open database.
pub(super) struct Opened {
    pub(super) writer: SqliteConnectOptions,
    pub(super) connection: SqliteConnection,
    pub(super) readers: SqlitePool,
    pub(super) lookers: SqlitePool,
    /// Held as long as the daemon lives: the kernel lets go of it however the process ends.
    pub(super) lock: File,
}

pub(super) async fn open(path: &Path) -> Result<Opened, OpenError> {
    let lock = own(path)?;
    let writer = options(path).create_if_missing(true).pragma("cache_size", WRITER_CACHE);
    let mut connection = connect_writer(&writer).await.map_err(|error| fault(path, &error))?;
    check(path, &mut connection).await?;
    migrate(path, &mut connection).await?;
    let (readers, lookers) = (pool(path, READERS_MAX), pool(path, LOOKERS_MAX));
    Ok(Opened { writer, connection, readers, lookers, lock })
}

/// Connections that can only read.
fn pool(path: &Path, connections_max: u32) -> SqlitePool {
    PoolOptions::new()
        .max_connections(connections_max)
        // A connection that a fault left inside a transaction would show an old state for ever.
        .before_acquire(|connection: &mut SqliteConnection, _| {
            Box::pin(async move { Ok(!connection.is_in_transaction()) })
        })
        .connect_lazy_with(options(path).read_only(true).pragma("query_only", "on"))
}

/// Opens the connection that all changes go through.
pub(super) async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql(sql!("writer/moves.sql")).execute(&mut connection).await?;
    Ok(connection)
}

/// Opens a connection beside the process that owns the file, for a short change.
pub(super) async fn connect_guest(path: &Path) -> Result<SqliteConnection, OpenError> {
    options(path).create_if_missing(true).connect().await.map_err(|error| fault(path, &error))
}

/// Whether the schema is exactly the one that this program knows.
pub(super) async fn is_current(path: &Path, connection: &mut SqliteConnection) -> Result<bool, OpenError> {
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    let tables: i64 = sqlx::query_scalar("select count(*) from sqlite_schema where name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| fault(path, &error))?;
    if tables == 0 {
        return Ok(false);
    }
    let result: Option<i64> = sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
        .fetch_one(connection)
        .await
        .map_err(|error| fault(path, &error))?;
    match (result, newest) {
        (Some(entry), Some(cached)) if entry > cached => {
            Err(OpenError::Newer { path: path.to_owned(), version: entry })
        }
        _ => Ok(result == newest),
    }
}

/// Brings the schema up to date, unless a daemon owns the file. Owned no longer than that takes.
pub(super) async fn migrate_unowned(path: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let _lock = own(path)?;
    check(path, connection).await?;
    migrate(path, connection).await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL loses acknowledged jobs on power loss; FULL is nearly free under group commit.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .pragma("temp_store", "memory")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

/// What waiting does not mend.
const MISPLACED: [ErrorKind; 6] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::NotADirectory,
    ErrorKind::IsADirectory,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::InvalidFilename,
];

/// One daemon per file: two would both believe that they alone spend the quota.
fn own(path: &Path) -> Result<File, OpenError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let failed = |error: std::io::Error| {
        let text = PathBuf::from(&lock_path).display().to_string();
        let detail = format!("{text} ({error}); check store.url and the rights of its folder");
        let path = path.to_owned();
        if MISPLACED.contains(&error.kind()) {
            OpenError::Unusable { path, detail }
        } else {
            OpenError::Failed { path, detail }
        }
    };
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Owned(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn check(path: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let version: String = sqlx::query_scalar("select sqlite_version()")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| fault(path, &error))?;
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    if (number(), number(), number()) < SQLITE_VERSION_MIN {
        return Err(OpenError::Unusable {
            path: path.to_owned(),
            detail: format!("SQLite {version} can corrupt a WAL database; 3.51.3 or later is needed"),
        });
    }
    let verdict: String =
        sqlx::query_scalar("pragma quick_check(1)").fetch_one(connection).await.map_err(|error| fault(path, &error))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), detail: verdict }) }
}

async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => OpenError::Newer { path: path.to_owned(), version },
        MigrateError::VersionMismatch(version) => OpenError::Damaged {
            path: path.to_owned(),
            detail: format!("its schema version {version} is not the one that this program was built with"),
        },
        MigrateError::Execute(error) => fault(path, &error),
        other => OpenError::Failed { path: path.to_owned(), detail: other.to_string() },
    })
}

/// SQLite's result codes for a file that is broken (`CORRUPT`), and for one that is no database (`NOTADB`).
const DAMAGE: [i32; 2] = [11, 26];
/// `PERM`, `READONLY`, `CANTOPEN`
const RIGHTS: [i32; 3] = [3, 8, 14];

fn fault(path: &Path, error: &sqlx::Error) -> OpenError {
    let (path, detail) = (path.to_owned(), error.to_string());
    let code = error.as_database_error().and_then(|database| database.code()?.parse::<i32>().ok());
    // The low byte is the code, the rest its particulars.
    match code.map(|code| code & 0xff) {
        Some(code) if DAMAGE.contains(&code) => OpenError::Damaged { path, detail },
        Some(code) if RIGHTS.contains(&code) => OpenError::Unusable { path, detail },
        _ => OpenError::Failed { path, detail },
    }
}

/// Closes a connection whose state is not known any more.
pub(super) async fn discard(connection: SqliteConnection) {
    if let Err(error) = connection.close_hard().await {
        tracing::warn!(error = %error, "the database connection did not close cleanly");
    }
}
