//! A change: what one command does inside the writer's transaction. It can be applied again after a rollback.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use crate::domain::{Failure, SubmissionId, Timestamp, WaitingReason};
use crate::store::sqlite::codec::columns;
use crate::store::{EventKind, StoreError};

#[async_trait]
pub(crate) trait Change: Send + Sync {
    type Output: Send;
    /// Whether it may write an event.
    const MAY_TELL: bool = true;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Self::Output, StoreError>;
}

/// A change on its way through the writer, whatever it answers.
#[async_trait]
pub(crate) trait AnyChange: Send {
    /// Applies the change and keeps its answer.
    async fn apply(&mut self, db: &mut SqliteConnection) -> Result<(), StoreError>;

    /// Whether it may write an event.
    fn may_insert_events(&self) -> bool;

    /// Hands out the answer: the change is on stable storage.
    fn reply_success(self: Box<Self>);

    /// Hands out the error: nothing was changed.
    fn reply_failure(self: Box<Self>, error: StoreError);
}

pub(crate) struct QueuedChange<C: Change> {
    change: C,
    answer: Option<C::Output>,
    reply: oneshot::Sender<Result<C::Output, StoreError>>,
}

impl<C: Change> QueuedChange<C> {
    pub(crate) fn new(change: C) -> (Self, oneshot::Receiver<Result<C::Output, StoreError>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { change, answer: None, reply }, receiver)
    }
}

#[async_trait]
impl<C: Change> AnyChange for QueuedChange<C> {
    async fn apply(&mut self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        self.answer = Some(self.change.apply(db).await?);
        Ok(())
    }

    fn may_insert_events(&self) -> bool {
        C::MAY_TELL
    }

    fn reply_success(self: Box<Self>) {
        let answer = self.answer.ok_or(StoreError::Closed);
        // Whoever asked may have gone away; the change is made all the same.
        let _ = self.reply.send(answer);
    }

    fn reply_failure(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Carries out what stands in `moves`.
pub(crate) async fn apply_moves(db: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(sql!("apply_moves.sql", "finish_jobs.sql")).bind(now.as_millis()).execute(db).await?;
    Ok(())
}

/// What is told to each job that has items in `moves`.
pub(crate) struct EventNotice<'a> {
    pub(crate) kind: EventKind,
    pub(crate) message: &'a str,
    pub(crate) submission: Option<SubmissionId>,
    /// What all of them are told; if none, each job is told of a failure of its own items.
    pub(crate) failure: Option<i64>,
}

/// Writes an event for each job with moves into state `becomes` (any state, if none), unless it is one more try after the
/// same trouble: a provider that is down for hours is one fact, not a thousand.
pub(crate) async fn insert_events_for_moves(
    notice: EventNotice<'_>,
    becomes: Option<i64>,
    db: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(sql!("insert_events_for_moves.sql"))
        .bind(now.as_millis())
        .bind(notice.kind.as_str())
        .bind(notice.submission.map(|id| id.0))
        .bind(notice.failure)
        .bind(notice.message)
        .bind(becomes)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn insert_failure(
    failure: &Failure,
    db: &mut SqliteConnection,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "insert into failures (class, code, message, request_id, at) values ($1, $2, $3, $4, $5) returning id",
    )
    .bind(failure.class.as_str())
    .bind(&failure.code)
    .bind(&failure.message)
    .bind(&failure.request_id)
    .bind(now.as_millis())
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// The row of a wait; there is one for all items that ever waited so.
pub(crate) async fn upsert_wait(
    reason: WaitingReason,
    detail: &str,
    db: &mut SqliteConnection,
) -> Result<i64, StoreError> {
    let id = sqlx::query_scalar(
        "insert into waits (reason, detail) values ($1, $2) on conflict (reason, detail) do update set reason = reason returning id",
    )
    .bind(reason.as_str())
    .bind(detail)
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// The state of a submission, if it exists.
pub(crate) async fn submission_state(
    id: SubmissionId,
    db: &mut SqliteConnection,
) -> Result<Option<crate::domain::SubmissionState>, StoreError> {
    let row = sqlx::query("select state from submissions where id = $1").bind(id.0).fetch_optional(db).await?;
    row.map(|row| columns::word(&row, "state")).transpose()
}
