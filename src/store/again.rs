//! What a job that tries another's targets again takes over from it.

use super::{Job, NewJob, Part};
use crate::domain::{JobId, Verification};

impl NewJob {
    /// A new job on behalf of the same tenant, since a final job never changes. Whoever makes it says what is different.
    #[must_use]
    pub fn again(job: &Job, id: JobId, parts: Vec<Part>, pair_offset: u32) -> Self {
        Self {
            id,
            // Whoever retries another tenant's job does it on that tenant's behalf: it stays visible to them.
            tenant: job.tenant.clone(),
            weight: 1,
            operation: job.operation,
            priority: job.priority,
            source: job.source.clone(),
            labels: job.labels.clone(),
            notify: None,
            not_before: None,
            deadline: None,
            merged: 0,
            verify: job.verification != Verification::None,
            parts,
            pair_offset,
            idempotency: None,
            retry_of: Some(job.id),
        }
    }
}
