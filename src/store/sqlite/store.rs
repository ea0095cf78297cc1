//! `Store` on SQLite: each method is one command to the writer, or one read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::diagnoses::{self, DeleteExpiredDiagnoses, InsertDiagnosis};
use super::dispatch::claim::ClaimBatch;
use super::dispatch::directory_promotion;
use super::dispatch::lane_pauses::{PauseLane, ResumeLane};
use super::dispatch::tenant_quota;
use super::dispatch::timers::FireTimers;
use super::jobs::cancel::CancelJob;
use super::jobs::create::EncodedJob;
use super::jobs::create::PendingInsert;
use super::jobs::read;
use super::jobs::search;
use super::open::{self, OpenError};
use super::retention::DeleteExpiredKeys;
use super::submissions::outcomes::{
    AcceptSubmission, MarkAmbiguous, PostponeSubmission, RecoverSubmissions, ReleaseItems,
};
use super::submissions::settle::SettleSubmission;
use super::tokens::token_file;
use super::verification;
use super::verification::RecordVerification;
use super::writer::command::{Change, QueuedChange};
use super::writer::{Writer, WriterCommand};
use crate::domain::{DiagnosisId, Failure, JobId, Lane, LaneId, Priority, SubmissionId, Target, TenantName, Timestamp};
use crate::offload::{LARGE_JOB_TARGETS, offload_if_large};
use crate::store::UnsuccessfulItem;
use crate::store::{
    Claim, Creation, DueVerification, Event, FailedTarget, Grant, Guarded, IdempotencyKey, Item, Job, JobRef,
    LaneDepth, LanePause, LaneRecord, LiveTokens, NewJob, OpenSubmission, Page, PendingItem, QuotaUsage, Release,
    RelevantItem, RetentionCutoff, RowRetry, Store, StoreError, StoredDiagnosis, TenantSpending, VerificationRecord,
    VerificationSample,
};
use crate::store::{HostScan, JobFilter};

/// The daemon's memory on one SQLite file, which it owns.
pub struct SqliteStore {
    writer: mpsc::Sender<WriterCommand>,
    /// For the engine.
    readers: SqlitePool,
    /// For callers: however long their searches take, the engine does not wait for them.
    lookers: SqlitePool,
    path: PathBuf,
    _lock: File,
}

impl SqliteStore {
    /// Opens the file, makes it if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// Another daemon owns it, it is damaged or newer than this program, or it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let opened = open::open(path).await?;
        let (writer, _) = Writer::spawn(opened.writer, opened.connection);
        let (readers, lookers) = (opened.readers, opened.lookers);
        Ok(Self { writer, readers, lookers, path: path.to_owned(), _lock: opened.lock })
    }

    async fn change<C: Change + 'static>(&self, change: C) -> Result<C::Output, StoreError> {
        let (ticket, answer) = QueuedChange::new(change);
        self.order(WriterCommand::Change(Box::new(ticket)), answer).await
    }

    async fn order<T>(
        &self,
        order: WriterCommand,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.writer.send(order).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_job(&self, job: NewJob, now: Timestamp) -> Result<Creation, StoreError> {
        let is_large = job.parts.iter().any(|part| part.targets.len() >= LARGE_JOB_TARGETS);
        let written = offload_if_large(is_large, || EncodedJob::of(&job)).await?;
        let (reply, answer) = oneshot::channel();
        self.order(WriterCommand::Create(Box::new(PendingInsert { job, written, now, reply })), answer).await
    }

    async fn find_by_idempotency_key(
        &self,
        tenant: &TenantName,
        key: &IdempotencyKey,
    ) -> Result<Option<Creation>, StoreError> {
        read::kept_under(tenant, key, &self.lookers).await
    }

    async fn job(&self, id: JobId, tenant: Option<&TenantName>) -> Result<Option<Job>, StoreError> {
        read::job(id, tenant, &self.lookers).await
    }

    async fn jobs(&self, tenant: Option<&TenantName>, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError> {
        read::jobs(tenant, before, limit, &self.lookers).await
    }

    async fn find_jobs(&self, filter: &JobFilter, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError> {
        search::jobs(filter, before, limit, &self.lookers).await
    }

    async fn example_pending_item(&self, job: JobRef, now: Timestamp) -> Result<Option<PendingItem>, StoreError> {
        read::pending_example(job, now, &self.lookers).await
    }

    async fn items(&self, job: JobRef, page: Page) -> Result<Vec<Item>, StoreError> {
        read::items(job, page, &self.lookers).await
    }

    async fn events(&self, job: JobRef, page: Page) -> Result<Vec<Event>, StoreError> {
        read::events(job, page, &self.lookers).await
    }

    async fn last_events(&self, job: JobRef, limit: u32) -> Result<Vec<Event>, StoreError> {
        read::last_events(job, limit, &self.lookers).await
    }

    async fn cancel(&self, job: JobRef, now: Timestamp) -> Result<Guarded, StoreError> {
        self.change(CancelJob { job, now }).await
    }

    async fn job_targets(&self, job: JobRef) -> Result<Vec<Target>, StoreError> {
        read::job_targets(job, &self.lookers).await
    }

    async fn unsuccessful_items(&self, job: JobRef) -> Result<Vec<UnsuccessfulItem>, StoreError> {
        read::unsuccessful(job, &self.lookers).await
    }

    async fn lane_depths(&self) -> Result<Vec<LaneDepth>, StoreError> {
        read::lane_depths(&self.readers).await
    }

    async fn next_items(&self, lane: LaneId, limit: u32) -> Result<Vec<(Target, Priority)>, StoreError> {
        directory_promotion::lane_heads(lane, limit, &self.readers).await
    }

    async fn pending_targets(&self, lane: &Lane, targets: &[Target]) -> Result<Vec<Target>, StoreError> {
        directory_promotion::pending_targets(lane, targets, &self.lookers).await
    }

    async fn jobs_since(&self, tenant: &TenantName, since: Timestamp, limit: u32) -> Result<u32, StoreError> {
        directory_promotion::jobs_since(tenant, since, limit, &self.readers).await
    }

    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError> {
        read::lanes(&self.lookers).await
    }

    async fn pause_lane(&self, lane: LaneId, pause: LanePause) -> Result<Guarded, StoreError> {
        self.change(PauseLane { lane, pause }).await
    }

    async fn resume_lane(&self, lane: LaneId, by: &str, now: Timestamp) -> Result<Guarded, StoreError> {
        self.change(ResumeLane { lane, by: by.to_owned(), now }).await
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        read::next_ripe(&self.readers).await
    }

    async fn fire_timers(&self, now: Timestamp) -> Result<(), StoreError> {
        self.change(FireTimers { now }).await
    }

    async fn claim(&self, grant: Grant, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        self.change(ClaimBatch { grant, now }).await
    }

    async fn accept(
        &self,
        id: SubmissionId,
        task: &str,
        request_id: Option<&str>,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        let (task, request_id) = (task.to_owned(), request_id.map(str::to_owned));
        self.change(AcceptSubmission { id, task, request_id, due_at, now }).await
    }

    async fn release(&self, id: SubmissionId, back: Release, now: Timestamp) -> Result<Guarded, StoreError> {
        self.change(ReleaseItems { id, back, now }).await
    }

    async fn mark_ambiguous(
        &self,
        id: SubmissionId,
        failure: Failure,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.change(MarkAmbiguous { id, failure, due_at, now }).await
    }

    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(RecoverSubmissions { now }).await
    }

    async fn sending_submissions(&self) -> Result<Vec<OpenSubmission>, StoreError> {
        read::sending(&self.readers).await
    }

    async fn due_submissions(
        &self,
        ambiguous: bool,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<OpenSubmission>, Option<Timestamp>), StoreError> {
        read::due_submissions(if ambiguous { "ambiguous" } else { "accepted" }, limit, now, &self.readers).await
    }

    async fn postpone(&self, id: SubmissionId, due_at: Timestamp) -> Result<Guarded, StoreError> {
        self.change(PostponeSubmission { id, due_at }).await
    }

    async fn settle(
        &self,
        id: SubmissionId,
        failed: Vec<FailedTarget>,
        retry: RowRetry,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.change(SettleSubmission { id, failed, retry, now }).await
    }

    async fn delete_expired_keys(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.change(DeleteExpiredKeys { before, limit }).await
    }

    async fn targets(&self, id: SubmissionId) -> Result<Vec<Target>, StoreError> {
        read::targets(id, &self.readers).await
    }

    async fn tasks_with_submissions(&self, tasks: &[String]) -> Result<Vec<String>, StoreError> {
        read::known_tasks(tasks, &self.readers).await
    }

    async fn usage_since(&self, since: Timestamp) -> Result<Vec<QuotaUsage>, StoreError> {
        read::spent(since, &self.lookers).await
    }

    async fn tenant_usage_since(&self, since: Timestamp) -> Result<Vec<TenantSpending>, StoreError> {
        tenant_quota::usage_since(since, &self.readers).await
    }

    async fn due_verifications(
        &self,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<Timestamp>), StoreError> {
        verification::due(limit, now, &self.readers).await
    }

    async fn due_verifications_by_host(
        &self,
        walk: HostScan,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<String>), StoreError> {
        verification::due_by_host(&walk, now, &self.readers).await
    }

    async fn sample_succeeded_items(&self, job: JobRef, limit: u32) -> Result<Vec<VerificationSample>, StoreError> {
        read::sample(job, limit, &self.readers).await
    }

    async fn recent_urls_below(&self, directory: &Target, limit: u32) -> Result<Vec<Target>, StoreError> {
        read::known_below(directory, limit, &self.readers).await
    }

    async fn record_verification(
        &self,
        job: JobRef,
        seen: VerificationRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(RecordVerification { job, seen, now }).await
    }

    async fn most_relevant_item(
        &self,
        job: JobRef,
        target: Option<&Target>,
    ) -> Result<Option<RelevantItem>, StoreError> {
        diagnoses::telling(job, target.map(Target::as_str), &self.lookers).await
    }

    async fn insert_diagnosis(&self, diagnosis: StoredDiagnosis) -> Result<(), StoreError> {
        self.change(InsertDiagnosis(diagnosis)).await
    }

    async fn diagnosis(
        &self,
        id: DiagnosisId,
        tenant: Option<&TenantName>,
    ) -> Result<Option<StoredDiagnosis>, StoreError> {
        diagnoses::one(id, tenant, &self.lookers).await
    }

    async fn newest_diagnosis(&self, job: JobId) -> Result<Option<StoredDiagnosis>, StoreError> {
        diagnoses::newest_of(job, &self.lookers).await
    }

    async fn delete_expired_diagnoses(&self, outdated: RetentionCutoff, limit: u32) -> Result<u64, StoreError> {
        self.change(DeleteExpiredDiagnoses { outdated, limit }).await
    }

    async fn hosts(&self, job: JobRef) -> Result<Vec<String>, StoreError> {
        read::hosts(job, &self.lookers).await
    }

    async fn tokens(&self) -> Result<LiveTokens, StoreError> {
        token_file::live(&self.path, &self.lookers).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.change(NoChange).await
    }

    async fn drain(&self, grace: Duration) {
        // The writer takes orders in turn, so an answer means that all before it were committed.
        if tokio::time::timeout(grace, self.change(NoChange)).await.is_err() {
            tracing::warn!("the database did not finish its work within the grace");
        }
    }
}

/// Changes nothing, in its turn.
struct NoChange;

#[async_trait]
impl Change for NoChange {
    type Output = ();
    const MAY_TELL: bool = false;

    async fn apply(&self, _: &mut SqliteConnection) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn callers_who_hold_every_connection_of_theirs_leave_the_engine_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("refreshd.db")).await.expect("a store");
        let mut connections = Vec::new();
        for _ in 0..store.lookers.options().get_max_connections() {
            connections.push(store.lookers.acquire().await.expect("a connection"));
        }
        let look = tokio::time::timeout(Duration::from_millis(100), store.jobs(None, None, 1)).await;
        assert!(look.is_err(), "callers wait for each other");
        let soon = Duration::from_secs(20);
        let depths = tokio::time::timeout(soon, store.lane_depths()).await.expect("the engine does not wait");
        assert!(depths.expect("readable").is_empty());
        let next = tokio::time::timeout(soon, store.next_timer()).await.expect("the engine does not wait");
        assert_eq!(next.expect("readable"), None);
    }
}
