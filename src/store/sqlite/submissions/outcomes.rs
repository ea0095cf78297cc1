//! What became of a call: a task, nothing, a refusal, or no answer. Each change names the state that it expects.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::domain::{Failure, SubmissionId, SubmissionState, Target, Timestamp};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::jobs::read;
use crate::store::sqlite::writer::command;
use crate::store::sqlite::writer::command::{Change, EventNotice};
use crate::store::{EventKind, Guarded, Release, ReleaseAction, StoreError};

pub(crate) struct AcceptSubmission {
    pub(crate) id: SubmissionId,
    pub(crate) task: String,
    pub(crate) request_id: Option<String>,
    pub(crate) due_at: Timestamp,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for AcceptSubmission {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let changed = sqlx::query(sql!("accept_submission.sql"))
            .bind(self.id.0)
            .bind(&self.task)
            .bind(&self.request_id)
            .bind(self.due_at.as_millis())
            .bind(self.now.as_millis())
            .execute(&mut *db)
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(Guarded::Conflict);
        }
        sqlx::query(sql!("mark_hosts_proved.sql")).bind(self.id.0).bind(self.now.as_millis()).execute(&mut *db).await?;
        let message = format!("the provider made task {}", self.task);
        tell_travellers(EventKind::Submitted, &message, self.id, None, db, self.now).await?;
        Ok(Guarded::Done)
    }
}

pub(crate) struct MarkAmbiguous {
    pub(crate) id: SubmissionId,
    pub(crate) failure: Failure,
    pub(crate) due_at: Timestamp,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for MarkAmbiguous {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        if command::submission_state(self.id, db).await? != Some(SubmissionState::Sending) {
            return Ok(Guarded::Conflict);
        }
        let failure = command::insert_failure(&self.failure, db, self.now).await?;
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
        Ok(Guarded::Done)
    }
}

/// Every submission found `sending` at the start is `ambiguous`: owning the database proves its sender dead.
pub(crate) struct RecoverSubmissions {
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for RecoverSubmissions {
    type Output = u64;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<u64, StoreError> {
        let ids: Vec<i64> =
            sqlx::query_scalar("select id from submissions where state = 'sending'").fetch_all(&mut *db).await?;
        for id in &ids {
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
        Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
    }
}

pub(crate) struct PostponeSubmission {
    pub(crate) id: SubmissionId,
    pub(crate) due_at: Timestamp,
}

#[async_trait]
impl Change for PostponeSubmission {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let changed = sqlx::query(
            "update submissions set due_at = $2, looks = looks + 1 where id = $1 and state in ('accepted', 'ambiguous')",
        )
        .bind(self.id.0)
        .bind(self.due_at.as_millis())
        .execute(db)
        .await?
        .rows_affected();
        Ok(if changed == 0 { Guarded::Conflict } else { Guarded::Done })
    }
}

pub(crate) struct ReleaseItems {
    pub(crate) id: SubmissionId,
    pub(crate) back: Release,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for ReleaseItems {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let state = command::submission_state(self.id, db).await?;
        if !state.is_some_and(|state| state.may_become(self.back.state)) {
            return Ok(Guarded::Conflict);
        }
        let failure = command::insert_failure(&self.back.failure, db, self.now).await?;
        sqlx::query(
            "update submissions set state = $2, due_at = null, answered_at = $3, failure_id = $4 where id = $1",
        )
        .bind(self.id.0)
        .bind(self.back.state.as_str())
        .bind(self.now.as_millis())
        .bind(failure)
        .execute(&mut *db)
        .await?;
        if matches!(self.back.items, ReleaseAction::Park { .. } | ReleaseAction::Fail) {
            sqlx::query(sql!("mark_hosts_unproved.sql")).bind(self.id.0).execute(&mut *db).await?;
        }
        let fate = self.fate(db).await?;
        let (kind, becomes) = (fate.kind(), fate.becomes());
        sqlx::query(sql!("release_items.sql"))
            .bind(self.id.0)
            .bind(becomes)
            .bind(fate.first_half().map(columns::json).transpose()?)
            .bind((becomes != columns::DUE).then_some(failure))
            .bind(fate.until().map(Timestamp::as_millis))
            .execute(&mut *db)
            .await?;
        let message = given_back_message(&fate, &self.back);
        let notice = EventNotice { kind, message: &message, submission: Some(self.id), failure: Some(failure) };
        command::insert_events_for_moves(notice, Some(becomes), db, self.now).await?;
        self.tell_riders(becomes, db).await?;
        if becomes != columns::FAILED {
            self.tell_cancelled(failure, db).await?;
        }
        if becomes == columns::FAILED {
            super::settle::follow_purges(db, self.now).await?;
        }
        command::apply_moves(db, self.now).await?;
        Ok(Guarded::Done)
    }
}

/// What becomes of the items as a whole.
enum ReleasedState {
    Due,
    Fail,
    Park(Timestamp),
    /// These targets are sent in other calls than the rest.
    Split(Vec<String>),
}

impl ReleasedState {
    const fn becomes(&self) -> i64 {
        match self {
            Self::Due | Self::Split(_) => columns::DUE,
            Self::Park(_) => columns::DELAYED,
            Self::Fail => columns::FAILED,
        }
    }

    const fn kind(&self) -> EventKind {
        match self {
            Self::Due | Self::Park(_) => EventKind::Released,
            Self::Split(_) => EventKind::Split,
            Self::Fail => EventKind::Failed,
        }
    }

    const fn first_half(&self) -> Option<&Vec<String>> {
        if let Self::Split(half) = self { Some(half) } else { None }
    }

    const fn until(&self) -> Option<Timestamp> {
        if let Self::Park(until) = self { Some(*until) } else { None }
    }
}

impl ReleaseItems {
    async fn fate(&self, db: &mut SqliteConnection) -> Result<ReleasedState, StoreError> {
        let by_host = match self.back.items {
            ReleaseAction::Requeue => return Ok(ReleasedState::Due),
            ReleaseAction::Fail => return Ok(ReleasedState::Fail),
            ReleaseAction::Park { until } => return Ok(ReleasedState::Park(until)),
            ReleaseAction::SplitTargets => false,
            ReleaseAction::SplitHosts => true,
        };
        let rows = sqlx::query(sql!("submission_targets.sql")).bind(self.id.0).fetch_all(db).await?;
        let targets = rows.iter().map(read::decode_target).collect::<Result<Vec<_>, _>>()?;
        let half = half(&targets, by_host);
        Ok(if half.is_empty() { ReleasedState::Fail } else { ReleasedState::Split(half) })
    }

    /// Whose directory does not come back as due: they are not what was refused.
    async fn tell_riders(&self, becomes: i64, db: &mut SqliteConnection) -> Result<(), StoreError> {
        if becomes == columns::DUE {
            return Ok(());
        }
        let message = super::settle::BACK_FROM_A_RIDE;
        let notice = EventNotice { kind: EventKind::Released, message, submission: Some(self.id), failure: None };
        command::insert_events_for_moves(notice, Some(columns::DUE), db, self.now).await
    }

    /// Items that come back to a job with a cancel mark are not kept for later.
    async fn tell_cancelled(&self, failure: i64, db: &mut SqliteConnection) -> Result<(), StoreError> {
        let Failure { code, message, .. } = &self.back.failure;
        let message = format!("given back and cancelled: {code}: {message}");
        let kind = EventKind::Released;
        let notice = EventNotice { kind, message: &message, submission: Some(self.id), failure: Some(failure) };
        command::insert_events_for_moves(notice, Some(columns::CANCELLED), db, self.now).await
    }
}

/// The first half of a batch: of its hosts, if it has several and `by_host`, else of its targets, neighbours together. Empty
/// for a single target.
fn half(targets: &[Target], by_host: bool) -> Vec<String> {
    let mut sorted: Vec<_> = targets.iter().map(|target| (target.host(), target.as_str())).collect();
    sorted.sort_unstable();
    let hosts: BTreeSet<_> = sorted.iter().map(|(host, _)| *host).collect();
    let middle = match hosts.iter().nth(hosts.len() / 2) {
        Some(first_of_second) if by_host && hosts.len() > 1 => {
            sorted.partition_point(|(host, _)| host < first_of_second)
        }
        _ => sorted.len() / 2,
    };
    sorted[..middle].iter().map(|(_, target)| (*target).to_owned()).collect()
}

fn given_back_message(fate: &ReleasedState, back: &Release) -> String {
    let Failure { code, message, .. } = &back.failure;
    match fate {
        ReleasedState::Fail => format!("the provider refuses this: {code}: {message}"),
        ReleasedState::Split(_) => format!("the provider refuses the batch as a whole ({code}); trying in halves"),
        ReleasedState::Park(_) => {
            format!("the provider refuses this host for now, and it is tried again: {code}: {message}")
        }
        ReleasedState::Due if back.state == SubmissionState::Refused => {
            format!("refused, will be sent later: {code}: {message}")
        }
        ReleasedState::Due => format!("not sent, will be sent later: {code}: {message}"),
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
    sqlx::query(sql!("insert_submission_events.sql"))
        .bind(id.0)
        .bind(now.as_millis())
        .bind(kind.as_str())
        .bind(failure)
        .bind(message)
        .execute(db)
        .await?;
    Ok(())
}
