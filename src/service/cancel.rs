//! Cancelling: a caller does not want a job any more.

use std::collections::BTreeSet;

use super::caller::lacks;
use super::{Caller, JobView, Service, ServiceError};
use crate::domain::{JobId, ScopeWord, Target};
use crate::store::{Guarded, Job};

impl Service {
    /// Ends a job's pending items and marks those that were sent; what the provider has is followed to its end.
    ///
    /// # Errors
    /// Not found; a scope that is missing; final already.
    pub async fn cancel(&self, caller: &Caller, id: JobId) -> Result<JobView, ServiceError> {
        let job = self.changeable_job(caller, id).await?;
        if !caller.scopes.may_control() {
            self.may_change(caller, &job, &self.store.job_targets(job.row).await?).await?;
        }
        if self.store.cancel(job.row, self.clock.now()).await? == Guarded::Conflict {
            return Err(ServiceError::Final("the job is final already; there is nothing to cancel"));
        }
        tracing::info!(job.id = %id, tenant = %caller.tenant, "job cancelled");
        self.notifiers.jobs.notify();
        let job = self.store.job(id, None).await?.ok_or(ServiceError::NotFound("job"))?;
        self.view(job).await
    }

    /// The job, if it is the caller's tenant's, or one of the others that they see and control. Whether they may look at
    /// their own is no question here: whoever may ask for a job may take it back.
    pub(super) async fn changeable_job(&self, caller: &Caller, id: JobId) -> Result<Job, ServiceError> {
        if let Some(own) = self.store.job(id, Some(&caller.tenant)).await? {
            return Ok(own);
        }
        if !caller.scopes.sees_all() {
            return Err(ServiceError::NotFound("job"));
        }
        let job = self.store.job(id, None).await?.ok_or(ServiceError::NotFound("job"))?;
        if caller.scopes.may_control() { Ok(job) } else { Err(lacks(ScopeWord::Control)) }
    }

    /// A change takes the scopes that asking for these targets takes, or `control`.
    pub(super) async fn may_change<'a>(
        &self,
        caller: &Caller,
        job: &Job,
        targets: impl IntoIterator<Item = &'a Target>,
    ) -> Result<(), ServiceError> {
        if caller.scopes.may_control() {
            return Ok(());
        }
        let lacking = targets.into_iter().flat_map(|target| caller.scopes.lacking(job.operation, target));
        let lacking: BTreeSet<ScopeWord> = lacking.collect();
        if lacking.is_empty() {
            return Ok(());
        }
        // Whoever sees other jobs, but not this one, is not told that it exists.
        if caller.scopes.may_read() && !self.may_see_hosts(caller, job.row).await? {
            return Err(ServiceError::NotFound("job"));
        }
        Err(ServiceError::ScopeMissing { scopes: lacking.into_iter().collect(), faults: Vec::new() })
    }
}
