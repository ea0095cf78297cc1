//! A store with injected faults: a change fails before it was made, or returns an error after it committed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use refreshd::domain::{
    DiagnosisId, Failure, JobId, Lane, LaneId, Priority, SubmissionId, Target, TenantName, Timestamp,
};
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::*;

/// The injected faults. Shared with the test that sets them.
#[derive(Clone, Default)]
pub(super) struct Ailment(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// So many of the next changes fail.
    remaining: u32,
    after: bool,
    /// Changes that failed since the last query.
    failed: u32,
    failed_after: bool,
}

/// The effect of a change that committed and returned an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Targets may be counted that were never sent.
    OfLedger,
    /// An orphaned submission. No ledger may go wrong by it.
    OfNobody,
}

impl Ailment {
    pub(super) fn strike(&self, changes: u32, after: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.remaining, state.after) = (changes, after);
    }

    /// Whether any change failed since the last call of this.
    pub(super) fn was_felt(&self) -> bool {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).failed) > 0
    }

    /// Whether any change committed and returned an error.
    pub(super) fn has_lied(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed_after
    }

    /// How the next change fails, if it does: after it was made, or before.
    fn next(&self, lie: Lie) -> Option<bool> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.remaining = state.remaining.checked_sub(1)?;
        state.failed += 1;
        state.failed_after |= state.after && lie == Lie::OfLedger;
        Some(state.after)
    }

    async fn change<T: Send>(
        &self,
        change: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.change_with(change, Lie::OfLedger).await
    }

    async fn change_with<T: Send>(
        &self,
        change: impl Future<Output = Result<T, StoreError>> + Send,
        lie: Lie,
    ) -> Result<T, StoreError> {
        match self.next(lie) {
            None => change.await,
            Some(after) => {
                if after {
                    change.await?;
                }
                Err(failed())
            }
        }
    }
}

fn failed() -> StoreError {
    StoreError::Database("scripted".into())
}

pub(super) struct Ailing {
    pub(super) store: SqliteStore,
    pub(super) ailment: Ailment,
}

#[async_trait]
impl Store for Ailing {
    async fn create_job(&self, job: NewJob, now: Timestamp) -> Result<Creation, StoreError> {
        self.ailment.change(self.store.create_job(job, now)).await
    }

    async fn cancel(&self, job: JobRef, now: Timestamp) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.cancel(job, now)).await
    }

    async fn pause_lane(&self, lane: LaneId, pause: LanePause) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.pause_lane(lane, pause)).await
    }

    async fn resume_lane(&self, lane: LaneId, by: &str, now: Timestamp) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.resume_lane(lane, by, now)).await
    }

    async fn fire_timers(&self, now: Timestamp) -> Result<(), StoreError> {
        self.ailment.change(self.store.fire_timers(now)).await
    }

    async fn claim(&self, grant: Grant, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        let claim = self.store.claim(grant, now);
        self.ailment.change_with(claim, Lie::OfNobody).await
    }

    async fn accept(
        &self,
        id: SubmissionId,
        task: &str,
        request_id: Option<&str>,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.accept(id, task, request_id, due_at, now)).await
    }

    async fn release(&self, id: SubmissionId, back: Release, now: Timestamp) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.release(id, back, now)).await
    }

    async fn mark_ambiguous(
        &self,
        id: SubmissionId,
        failure: Failure,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.mark_ambiguous(id, failure, due_at, now)).await
    }

    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.ailment.change(self.store.recover(now)).await
    }

    async fn postpone(&self, id: SubmissionId, due_at: Timestamp) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.postpone(id, due_at)).await
    }

    async fn settle(
        &self,
        id: SubmissionId,
        failed: Vec<FailedTarget>,
        retry: RowRetry,
        now: Timestamp,
    ) -> Result<Guarded, StoreError> {
        self.ailment.change(self.store.settle(id, failed, retry, now)).await
    }

    async fn delete_expired_keys(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.ailment.change(self.store.delete_expired_keys(before, limit)).await
    }

    async fn record_verification(
        &self,
        job: JobRef,
        seen: VerificationRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.ailment.change(self.store.record_verification(job, seen, now)).await
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

    async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_timer().await
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

    async fn hosts(&self, job: JobRef) -> Result<Vec<String>, StoreError> {
        self.store.hosts(job).await
    }

    async fn tokens(&self) -> Result<LiveTokens, StoreError> {
        self.store.tokens().await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.store.check_writable().await
    }

    async fn drain(&self, grace: Duration) {
        self.store.drain(grace).await;
    }

    async fn most_relevant_item(
        &self,
        job: JobRef,
        target: Option<&Target>,
    ) -> Result<Option<RelevantItem>, StoreError> {
        self.store.most_relevant_item(job, target).await
    }

    async fn insert_diagnosis(&self, kept: StoredDiagnosis) -> Result<(), StoreError> {
        self.ailment.change(self.store.insert_diagnosis(kept)).await
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
        self.ailment.change(self.store.delete_expired_diagnoses(outdated, limit)).await
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

    async fn recent_urls_below(&self, directory: &Target, limit: u32) -> Result<Vec<Target>, StoreError> {
        self.store.recent_urls_below(directory, limit).await
    }

    async fn jobs_since(&self, tenant: &TenantName, since: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.store.jobs_since(tenant, since, limit).await
    }
}
