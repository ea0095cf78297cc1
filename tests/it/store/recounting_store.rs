//! A store that is counted again from its rows after every change that it makes.

use std::time::Duration;

use async_trait::async_trait;
use refreshd::domain::{
    DiagnosisId, Failure, JobId, Lane, LaneId, Priority, SubmissionId, Target, TenantName, Timestamp,
};
use refreshd::store::*;

use crate::support::Books;

pub struct Recounted<S> {
    pub store: S,
    pub books: Books,
}

impl<S: Store> Recounted<S> {
    async fn balanced<T>(&self, change: &str, done: Result<T, StoreError>) -> Result<T, StoreError> {
        self.books.balance(change).await;
        done
    }
}

#[async_trait]
impl<S: Store> Store for Recounted<S> {
    async fn create_job(&self, job: NewJob, now: Timestamp) -> Result<Creation, StoreError> {
        self.balanced("create_job", self.store.create_job(job, now).await).await
    }

    async fn find_by_idempotency_key(
        &self,
        tenant: &TenantName,
        key: &IdempotencyKey,
    ) -> Result<Option<Creation>, StoreError> {
        self.store.find_by_idempotency_key(tenant, key).await
    }

    async fn job(&self, id: JobId, tenant: Option<&TenantName>) -> Result<Option<Job>, StoreError> {
        self.store.job(id, tenant).await
    }

    async fn jobs(&self, tenant: Option<&TenantName>, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.store.jobs(tenant, before, limit).await
    }

    async fn find_jobs(&self, filter: &JobFilter, before: Option<i64>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.store.find_jobs(filter, before, limit).await
    }

    async fn example_pending_item(&self, job: JobRef, now: Timestamp) -> Result<Option<PendingItem>, StoreError> {
        self.store.example_pending_item(job, now).await
    }

    async fn items(&self, job: JobRef, page: Page) -> Result<Vec<Item>, StoreError> {
        self.store.items(job, page).await
    }

    async fn events(&self, job: JobRef, page: Page) -> Result<Vec<Event>, StoreError> {
        self.store.events(job, page).await
    }

    async fn last_events(&self, job: JobRef, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.store.last_events(job, limit).await
    }

    async fn most_relevant_item(
        &self,
        job: JobRef,
        target: Option<&Target>,
    ) -> Result<Option<RelevantItem>, StoreError> {
        self.store.most_relevant_item(job, target).await
    }

    async fn insert_diagnosis(&self, kept: StoredDiagnosis) -> Result<(), StoreError> {
        self.balanced("keep_diagnosis", self.store.insert_diagnosis(kept).await).await
    }

    async fn diagnosis(
        &self,
        id: DiagnosisId,
        tenant: Option<&TenantName>,
    ) -> Result<Option<StoredDiagnosis>, StoreError> {
        self.store.diagnosis(id, tenant).await
    }

    async fn newest_diagnosis(&self, job: JobId) -> Result<Option<StoredDiagnosis>, StoreError> {
        self.store.newest_diagnosis(job).await
    }

    async fn delete_expired_diagnoses(&self, outdated: RetentionCutoff, limit: u32) -> Result<u64, StoreError> {
        self.balanced("forget_diagnoses", self.store.delete_expired_diagnoses(outdated, limit).await).await
    }

    async fn tenant_usage_since(&self, since: Timestamp) -> Result<Vec<TenantSpending>, StoreError> {
        self.store.tenant_usage_since(since).await
    }

    async fn next_items(&self, lane: LaneId, limit: u32) -> Result<Vec<(Target, Priority)>, StoreError> {
        self.store.next_items(lane, limit).await
    }

    async fn pending_targets(&self, lane: &Lane, targets: &[Target]) -> Result<Vec<Target>, StoreError> {
        self.store.pending_targets(lane, targets).await
    }

    async fn jobs_since(&self, tenant: &TenantName, since: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.store.jobs_since(tenant, since, limit).await
    }

    async fn hosts(&self, job: JobRef) -> Result<Vec<String>, StoreError> {
        self.store.hosts(job).await
    }

    async fn tokens(&self) -> Result<LiveTokens, StoreError> {
        self.store.tokens().await
    }

    async fn cancel(&self, job: JobRef, now: Timestamp) -> Result<Guarded, StoreError> {
        self.balanced("cancel", self.store.cancel(job, now).await).await
    }

    async fn job_targets(&self, job: JobRef) -> Result<Vec<Target>, StoreError> {
        self.store.job_targets(job).await
    }

    async fn unsuccessful_items(&self, job: JobRef) -> Result<Vec<UnsuccessfulItem>, StoreError> {
        self.store.unsuccessful_items(job).await
    }

    async fn lane_depths(&self) -> Result<Vec<LaneDepth>, StoreError> {
        self.store.lane_depths().await
    }

    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError> {
        self.store.lanes().await
    }

    async fn pause_lane(&self, lane: LaneId, pause: LanePause) -> Result<Guarded, StoreError> {
        self.balanced("pause_lane", self.store.pause_lane(lane, pause).await).await
    }

    async fn resume_lane(&self, lane: LaneId, by: &str, now: Timestamp) -> Result<Guarded, StoreError> {
        self.balanced("resume_lane", self.store.resume_lane(lane, by, now).await).await
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_timer().await
    }

    async fn fire_timers(&self, now: Timestamp) -> Result<(), StoreError> {
        self.balanced("ripen", self.store.fire_timers(now).await).await
    }

    async fn claim(&self, grant: Grant, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        self.balanced("claim", self.store.claim(grant, now).await).await
    }

    async fn accept(
        &self,
        id: SubmissionId,
        task: &str,
        request_id: Option<&str>,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.balanced("accept", self.store.accept(id, task, request_id, due_at, now).await).await
    }

    async fn release(&self, id: SubmissionId, back: Release, now: Timestamp) -> Result<Guarded, StoreError> {
        self.balanced("give_back", self.store.release(id, back, now).await).await
    }

    async fn mark_ambiguous(
        &self,
        id: SubmissionId,
        failure: Failure,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.balanced("mark_ambiguous", self.store.mark_ambiguous(id, failure, due_at, now).await).await
    }

    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.balanced("recover", self.store.recover(now).await).await
    }

    async fn sending_submissions(&self) -> Result<Vec<OpenSubmission>, StoreError> {
        self.store.sending_submissions().await
    }

    async fn due_submissions(
        &self,
        ambiguous: bool,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<OpenSubmission>, Option<Timestamp>), StoreError> {
        self.store.due_submissions(ambiguous, limit, now).await
    }

    async fn postpone(&self, id: SubmissionId, due_at: Timestamp) -> Result<Guarded, StoreError> {
        self.balanced("postpone", self.store.postpone(id, due_at).await).await
    }

    async fn settle(
        &self,
        id: SubmissionId,
        failed: Vec<FailedTarget>,
        retry: RowRetry,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.balanced("settle", self.store.settle(id, failed, retry, now).await).await
    }

    async fn delete_expired_keys(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.balanced("forget_keys", self.store.delete_expired_keys(before, limit).await).await
    }

    async fn targets(&self, id: SubmissionId) -> Result<Vec<Target>, StoreError> {
        self.store.targets(id).await
    }

    async fn tasks_with_submissions(&self, tasks: &[String]) -> Result<Vec<String>, StoreError> {
        self.store.tasks_with_submissions(tasks).await
    }

    async fn usage_since(&self, since: Timestamp) -> Result<Vec<QuotaUsage>, StoreError> {
        self.store.usage_since(since).await
    }

    async fn due_verifications(
        &self,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<Timestamp>), StoreError> {
        self.store.due_verifications(limit, now).await
    }

    async fn due_verifications_by_host(
        &self,
        walk: HostScan,
        now: Timestamp,
    ) -> Result<(Vec<DueVerification>, Option<String>), StoreError> {
        self.store.due_verifications_by_host(walk, now).await
    }

    async fn sample_succeeded_items(&self, job: JobRef, limit: u32) -> Result<Vec<VerificationSample>, StoreError> {
        self.store.sample_succeeded_items(job, limit).await
    }

    async fn recent_urls_below(&self, directory: &Target, limit: u32) -> Result<Vec<Target>, StoreError> {
        self.store.recent_urls_below(directory, limit).await
    }

    async fn record_verification(
        &self,
        job: JobRef,
        seen: VerificationRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.balanced("record_verification", self.store.record_verification(job, seen, now).await).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.store.check_writable().await
    }

    async fn drain(&self, grace: Duration) {
        self.store.drain(grace).await;
    }
}
