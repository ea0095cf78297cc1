//! What became of a call: a task, nothing, a refusal, or no answer. Each change names the state that it expects.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::change::{self, Change, Notice};
use super::codes;
use crate::domain::{Failure, SubmissionId, SubmissionState, Timestamp};
use crate::store::{EventKind, GiveBack, Outcome, Return, StoreError};

pub(super) struct Accept {
    pub(super) id: SubmissionId,
    pub(super) task: String,
    pub(super) request_id: Option<String>,
    pub(super) due_at: Timestamp,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for Accept {
    type Output = Outcome;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Outcome, StoreError> {
        let changed = sqlx::query(include_str!("sql/accept.sql"))
            .bind(self.id.0)
            .bind(&self.task)
            .bind(&self.request_id)
            .bind(self.due_at.as_millis())
            .bind(self.now.as_millis())
            .execute(&mut *db)
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(Outcome::Late);
        }
        let message = format!("the provider made task {}", self.task);
        tell_travellers(EventKind::Submitted, &message, self.id, None, db, self.now).await?;
        Ok(Outcome::Done)
    }
}

pub(super) struct MarkAmbiguous {
    pub(super) id: SubmissionId,
    pub(super) failure: Failure,
    pub(super) due_at: Timestamp,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for MarkAmbiguous {
    type Output = Outcome;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Outcome, StoreError> {
        if change::submission_state(self.id, db).await? != Some(SubmissionState::Sending) {
            return Ok(Outcome::Late);
        }
        let failure = change::keep_failure(&self.failure, db, self.now).await?;
        sqlx::query(
            "update submissions set state = 'ambiguous', due_at = $2, answered_at = $3, failure_id = $4 \
             where id = $1 and state = 'sending'",
        )
        .bind(self.id.0)
        .bind(self.due_at.as_millis())
        .bind(self.now.as_millis())
        .bind(failure)
        .execute(&mut *db)
        .await?;
        let message = "the answer was lost; the provider's list decides before anything is sent again";
        tell_travellers(EventKind::Ambiguous, message, self.id, Some(failure), db, self.now).await?;
        Ok(Outcome::Done)
    }
}

/// Every submission found `sending` at the start is `ambiguous`: owning the database proves its sender dead.
pub(super) struct Recover {
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for Recover {
    type Output = u64;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<u64, StoreError> {
        let left: Vec<i64> =
            sqlx::query_scalar("select id from submissions where state = 'sending'").fetch_all(&mut *db).await?;
        for id in &left {
            let mark = MarkAmbiguous {
                id: SubmissionId(*id),
                failure: Failure::new(
                    crate::domain::ErrorClass::Lost,
                    "daemon_stopped",
                    "the daemon stopped between sending this call and recording its answer",
                ),
                due_at: self.now,
                now: self.now,
            };
            mark.apply(db).await?;
        }
        Ok(u64::try_from(left.len()).unwrap_or(u64::MAX))
    }
}

pub(super) struct Postpone {
    pub(super) id: SubmissionId,
    pub(super) due_at: Timestamp,
}

#[async_trait]
impl Change for Postpone {
    type Output = Outcome;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Outcome, StoreError> {
        let changed = sqlx::query(
            "update submissions set due_at = $2, looks = looks + 1 where id = $1 and state in ('accepted', 'ambiguous')",
        )
        .bind(self.id.0)
        .bind(self.due_at.as_millis())
        .execute(db)
        .await?
        .rows_affected();
        Ok(if changed == 0 { Outcome::Late } else { Outcome::Done })
    }
}

pub(super) struct GiveItemsBack {
    pub(super) id: SubmissionId,
    pub(super) back: GiveBack,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for GiveItemsBack {
    type Output = Outcome;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Outcome, StoreError> {
        let state = change::submission_state(self.id, db).await?;
        if !state.is_some_and(|state| state.may_become(self.back.state)) {
            return Ok(Outcome::Late);
        }
        let failure = change::keep_failure(&self.back.failure, db, self.now).await?;
        sqlx::query(
            "update submissions set state = $2, due_at = null, answered_at = $3, failure_id = $4 where id = $1",
        )
        .bind(self.id.0)
        .bind(self.back.state.as_str())
        .bind(self.now.as_millis())
        .bind(failure)
        .execute(&mut *db)
        .await?;
        let targets: i64 = sqlx::query_scalar("select targets from submissions where id = $1")
            .bind(self.id.0)
            .fetch_one(&mut *db)
            .await?;
        let isolate = self.back.items == Return::Isolate;
        let (kind, becomes) = match (isolate, targets) {
            (true, 1) => (EventKind::Failed, codes::FAILED),
            (true, _) => (EventKind::Split, codes::DUE),
            (false, _) => (EventKind::Released, codes::DUE),
        };
        sqlx::query(include_str!("sql/move_given_back.sql"))
            .bind(self.id.0)
            .bind(becomes)
            .bind(if isolate { targets / 2 } else { 0 })
            .bind(if becomes == codes::FAILED { Some(failure) } else { None })
            .execute(&mut *db)
            .await?;
        let message = given_back_message(kind, &self.back);
        let notice = Notice { kind, message: &message, submission: Some(self.id), failure: Some(failure) };
        change::notice_moved(notice, None, db, self.now).await?;
        if becomes == codes::FAILED {
            super::settle::follow_purges(db, self.now).await?;
        }
        change::apply_moves(db, self.now).await?;
        Ok(Outcome::Done)
    }
}

fn given_back_message(kind: EventKind, back: &GiveBack) -> String {
    let Failure { code, message, .. } = &back.failure;
    match kind {
        EventKind::Failed => format!("the provider refuses this target: {code}: {message}"),
        EventKind::Split => format!("the provider refuses one of the batch's targets ({code}); trying in halves"),
        _ if back.state == SubmissionState::Refused => format!("refused, and kept for later: {code}: {message}"),
        _ => format!("not sent, and kept for later: {code}: {message}"),
    }
}

/// Writes an event for each job that has items in a submission, without moving them.
async fn tell_travellers(
    kind: EventKind,
    message: &str,
    id: SubmissionId,
    failure: Option<i64>,
    db: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("sql/tell_travellers.sql"))
        .bind(id.0)
        .bind(now.as_millis())
        .bind(kind.as_str())
        .bind(failure)
        .bind(message)
        .execute(db)
        .await?;
    Ok(())
}
