//! Cancelling a job: what has not been sent ends now, what was sent is marked. Never another job's items.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::domain::Timestamp;
use crate::store::sqlite::writer::command;
use crate::store::sqlite::writer::command::Change;
use crate::store::{EventKind, Guarded, JobRef, StoreError};

pub(crate) struct CancelJob {
    pub(crate) job: JobRef,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for CancelJob {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let marked = sqlx::query(
            "update jobs set cancelled_at = coalesce(cancelled_at, $2), version = version + 1 \
             where id = $1 and finished_at is null",
        )
        .bind(self.job.0)
        .bind(self.now.as_millis())
        .execute(&mut *db)
        .await?
        .rows_affected();
        if marked == 0 {
            return Ok(Guarded::Conflict);
        }
        sqlx::query("insert into events (job_id, at, kind, items, message) select id, $2, $3, pending, $4 from jobs where id = $1")
            .bind(self.job.0)
            .bind(self.now.as_millis())
            .bind(EventKind::Cancelled.as_str())
            .bind("cancelled by a caller; what was sent is followed to its end")
            .execute(&mut *db)
            .await?;
        sqlx::query(sql!("cancel_items.sql")).bind(self.job.0).execute(&mut *db).await?;
        command::apply_moves(db, self.now).await?;
        Ok(Guarded::Done)
    }
}
