//! Cancelling: a caller does not want a job any more.

use super::caller::lacks;
use super::{Caller, JobView, Refusal, Service};
use crate::domain::{JobId, ScopeWord};
use crate::store::{Job, Outcome};

impl Service {
    /// Ends a job's pending items and marks those that were sent; what the provider has is followed to its end.
    ///
    /// # Errors
    /// Not found; another tenant's without the scope `control`; final already.
    pub async fn cancel(&self, caller: &Caller, id: JobId) -> Result<JobView, Refusal> {
        let job = self.changeable_job(caller, id).await?;
        if self.store.cancel(job.row, self.clock.now()).await? == Outcome::Late {
            return Err(Refusal::Final("the job is final already; there is nothing to cancel"));
        }
        tracing::info!(job.id = %id, tenant = %caller.tenant, "job cancelled");
        self.wakes.jobs.ring();
        let job = self.store.job(id, None).await?.ok_or(Refusal::NotFound("job"))?;
        self.view(job).await
    }

    /// The job, if the caller may change it: their own tenant's, or with `control` any that they see.
    pub(super) async fn changeable_job(&self, caller: &Caller, id: JobId) -> Result<Job, Refusal> {
        let job = self.visible_job(caller, id).await?;
        if job.tenant == caller.tenant || caller.scopes.may_control() {
            Ok(job)
        } else {
            Err(lacks(ScopeWord::Control))
        }
    }
}
