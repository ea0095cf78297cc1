//! How words are written in rows that there are millions of.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domain::{ItemState, Priority, Target, TargetKind, Timestamp};
use crate::store::StoreError;

pub(crate) const DUE: i64 = 0;
pub(crate) const DELAYED: i64 = 1;
pub(crate) const BLOCKED: i64 = 2;
pub(crate) const SUBMITTED: i64 = 3;
pub(crate) const SUCCEEDED: i64 = 4;
pub(crate) const FAILED: i64 = 5;
pub(crate) const CANCELLED: i64 = 6;
pub(crate) const EXPIRED: i64 = 7;

pub(crate) fn item_state(code: i64) -> Result<ItemState, StoreError> {
    Ok(match code {
        DUE | DELAYED | BLOCKED => ItemState::Pending,
        SUBMITTED => ItemState::Submitted,
        SUCCEEDED => ItemState::Succeeded,
        FAILED => ItemState::Failed,
        CANCELLED => ItemState::Cancelled,
        EXPIRED => ItemState::Expired,
        other => return Err(StoreError::Damaged(format!("item state {other}"))),
    })
}

pub(crate) const fn priority_code(priority: Priority) -> i64 {
    match priority {
        Priority::Urgent => 0,
        Priority::Normal => 1,
        Priority::Bulk => 2,
    }
}

pub(crate) fn priority(code: i64) -> Result<Priority, StoreError> {
    usize::try_from(code)
        .ok()
        .and_then(|index| Priority::ALL.get(index).copied())
        .ok_or_else(|| StoreError::Damaged(format!("priority {code}")))
}

/// Reads a column that holds one of a list of words.
pub(crate) fn word<T>(row: &SqliteRow, column: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|fault| StoreError::Damaged(format!("{column}: {fault}")))
}

pub(crate) fn target(kind: TargetKind, text: &str) -> Result<Target, StoreError> {
    Target::parse(kind, text).map_err(|fault| StoreError::Damaged(format!("target {text:?}: {fault}")))
}

pub(crate) fn moment(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

/// A stored count as the number it is.
pub(crate) fn count<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| StoreError::Damaged(format!("{column} is {number}")))
}

/// A list bound as one JSON array: a statement per row costs a thread hop each.
pub(crate) fn json<T: serde::Serialize>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Database(error.into()))
}

/// SQLite's result code for a full disk.
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let full = matches!(&error, sqlx::Error::Database(database) if database.code().as_deref() == Some(SQLITE_FULL));
        if full { Self::DiskFull(error.into()) } else { Self::Database(error.into()) }
    }
}
