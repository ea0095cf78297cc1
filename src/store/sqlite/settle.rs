//! The end of a task: what became of each item, and of the items that waited for it.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::change::{self, Change, Notice};
use super::codes;
use crate::domain::{ErrorClass, Failure, SubmissionId, Timestamp};
use crate::store::{EventKind, FailedTarget, Outcome, Return, StoreError};

pub(super) struct Settle {
    pub(super) id: SubmissionId,
    pub(super) failed: Vec<FailedTarget>,
    pub(super) retry: Return,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for Settle {
    type Output = Outcome;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Outcome, StoreError> {
        let changed =
            sqlx::query("update submissions set state = 'settled', due_at = null where id = $1 and state = 'accepted'")
                .bind(self.id.0)
                .execute(&mut *db)
                .await?
                .rows_affected();
        if changed == 0 {
            return Ok(Outcome::Late);
        }
        let failures = self.keep_failures(db).await?;
        let (attempts_max, again_at) = match self.retry {
            Return::Retry { attempts_max, at } => (i64::from(attempts_max), at),
            Return::Due | Return::Isolate => (i64::MAX, self.now),
        };
        sqlx::query(include_str!("sql/move_settled.sql"))
            .bind(self.id.0)
            .bind(codes::json(&failures)?)
            .bind(attempts_max)
            .bind(again_at.as_millis())
            .execute(&mut *db)
            .await?;
        self.tell(db).await?;
        follow_purges(db, self.now).await?;
        change::apply_moves(db, self.now).await?;
        Ok(Outcome::Done)
    }
}

impl Settle {
    /// One row for each distinct failure, and which target has which.
    async fn keep_failures(&self, db: &mut SqliteConnection) -> Result<Vec<(&str, i64)>, StoreError> {
        let mut kept: HashMap<&Failure, i64> = HashMap::new();
        let mut failures = Vec::with_capacity(self.failed.len());
        for FailedTarget { target, failure } in &self.failed {
            let id = match kept.get(failure) {
                Some(id) => *id,
                None => change::keep_failure(failure, db, self.now).await?,
            };
            kept.insert(failure, id);
            failures.push((target.as_str(), id));
        }
        Ok(failures)
    }

    async fn tell(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        for (kind, becomes, message) in [
            (EventKind::Settled, codes::SUCCEEDED, "the provider reports these as done"),
            (EventKind::Released, codes::DELAYED, "the provider reports these as failed; they are tried again"),
            (EventKind::Failed, codes::FAILED, "the provider reports these as failed, and their attempts are spent"),
        ] {
            let notice = Notice { kind, message, submission: Some(self.id), failure: None };
            change::notice_moved(notice, Some(becomes), db, self.now).await?;
        }
        Ok(())
    }
}

/// Law 6 within a refresh: a purge that succeeded lets its prefetch go, one that failed ends it unsent.
pub(super) async fn follow_purges(db: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let ended = sqlx::query(include_str!("sql/purges_with_prefetch.sql")).fetch_one(&mut *db).await?;
    if codes::count::<u64>(&ended, "ended")? == 0 {
        return Ok(());
    }
    let failure = if codes::count::<u64>(&ended, "failed")? == 0 {
        None
    } else {
        let failure = Failure::new(ErrorClass::PurgeFailed, "purge_failed", "the purge of this URL did not succeed");
        Some(change::keep_failure(&failure, db, now).await?)
    };
    sqlx::query(include_str!("sql/follow_purges.sql")).bind(failure).bind(now.as_millis()).execute(db).await?;
    Ok(())
}
