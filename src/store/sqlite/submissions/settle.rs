//! The end of a task: what became of each item, and of the items that waited for it.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::domain::{ErrorClass, Failure, SubmissionId, Timestamp};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::writer::command;
use crate::store::sqlite::writer::command::{Change, EventNotice};
use crate::store::{EventKind, FailedTarget, Guarded, RowRetry, StoreError};

pub(crate) struct SettleSubmission {
    pub(crate) id: SubmissionId,
    pub(crate) failed: Vec<FailedTarget>,
    pub(crate) retry: RowRetry,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for SettleSubmission {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let changed =
            sqlx::query("update submissions set state = 'settled', due_at = null where id = $1 and state = 'accepted'")
                .bind(self.id.0)
                .execute(&mut *db)
                .await?
                .rows_affected();
        if changed == 0 {
            return Ok(Guarded::Conflict);
        }
        let failures = self.keep_failures(db).await?;
        sqlx::query(sql!("settle_items.sql"))
            .bind(self.id.0)
            .bind(columns::json(&failures)?)
            .bind(self.retry.attempts_max)
            .bind(self.retry.at.as_millis())
            .execute(&mut *db)
            .await?;
        self.tell(db).await?;
        follow_purges(db, self.now).await?;
        command::apply_moves(db, self.now).await?;
        Ok(Guarded::Done)
    }
}

impl SettleSubmission {
    /// One row for each distinct failure, and which target has which.
    async fn keep_failures(&self, db: &mut SqliteConnection) -> Result<Vec<(&str, i64)>, StoreError> {
        let mut failure_ids: HashMap<&Failure, i64> = HashMap::new();
        let mut failures = Vec::with_capacity(self.failed.len());
        for FailedTarget { target, failure } in &self.failed {
            let id = match failure_ids.get(failure) {
                Some(id) => *id,
                None => command::insert_failure(failure, db, self.now).await?,
            };
            failure_ids.insert(failure, id);
            failures.push((target.as_str(), id));
        }
        Ok(failures)
    }

    async fn tell(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        for (kind, becomes, message) in [
            (EventKind::Settled, columns::SUCCEEDED, "the provider reports these as done"),
            (EventKind::Released, columns::DELAYED, "the provider reports these as failed; they are tried again"),
            (EventKind::Failed, columns::FAILED, "the provider reports these as failed, and their attempts are spent"),
            (EventKind::Released, columns::DUE, BACK_FROM_A_RIDE),
            (
                EventKind::Released,
                columns::CANCELLED,
                "the directory above these was not done, and they were cancelled",
            ),
        ] {
            let notice = EventNotice { kind, message, submission: Some(self.id), failure: None };
            command::insert_events_for_moves(notice, Some(becomes), db, self.now).await?;
        }
        Ok(())
    }
}

/// The event text of items that were covered by a directory that was not done.
pub(crate) const BACK_FROM_A_RIDE: &str = "the directory purge failed; purging these URLs individually";

/// Law 6 within a refresh: a prefetch goes when every purge that covers it has succeeded, and ends unsent with the first one
/// that did not. A cancelled job or a passed deadline ends purges and prefetches alike, so nobody has to ask here then.
pub(crate) async fn follow_purges(db: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let followed = sqlx::query(sql!("release_prefetches.sql")).execute(&mut *db).await?.rows_affected();
    if followed == 0 {
        return Ok(());
    }
    let failed: bool = sqlx::query_scalar(sql!("has_failed_prefetches.sql")).fetch_one(&mut *db).await?;
    if failed {
        let message = "the purge of this URL, or of a directory above it, did not succeed";
        let failure = Failure::new(ErrorClass::PurgeFailed, "purge_failed", message);
        let failure = command::insert_failure(&failure, db, now).await?;
        sqlx::query(sql!("fail_prefetches.sql")).bind(failure).bind(now.as_millis()).execute(db).await?;
    }
    Ok(())
}
