//! A job before it is kept, and what one that tries another's targets again takes over from it.

use super::Job;
use crate::domain::{
    Area, JobId, Labels, Lane, Operation, Priority, Target, TenantName, Timestamp, Verification, Warning,
};

/// A job to be kept: its targets by lane, in the order in which its items are numbered.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    pub tenant: TenantName,
    /// The tenant's share in what leaves, against the others'; at least 1.
    pub weight: u32,
    pub operation: Operation,
    pub priority: Priority,
    /// As it was asked for. A lane may have another: that of its domain, where none was asked for.
    pub area: Area,
    pub source: Option<String>,
    pub labels: Labels,
    pub notify: Option<String>,
    pub not_before: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    pub merged: u32,
    pub verify: bool,
    pub parts: Vec<JobPart>,
    /// For a refresh: how many items after its purge a URL's prefetch stands; otherwise 0.
    pub pair_offset: u32,
    pub idempotency: Option<IdempotencyKey>,
    /// The job whose failed and expired targets these are.
    pub retry_of: Option<JobId>,
    /// What its client is told of it, now and whenever they look.
    pub warnings: Vec<Warning>,
}

impl NewJob {
    /// Items of all parts.
    #[must_use]
    pub fn item_count(&self) -> u32 {
        self.parts.iter().map(|part| u32::try_from(part.targets.len()).unwrap_or(u32::MAX)).sum()
    }

    /// A new job on behalf of the same tenant, since a final job never changes. Whoever makes it says what is different.
    #[must_use]
    pub fn again(job: &Job, id: JobId, parts: Vec<JobPart>, pair_offset: u32) -> Self {
        Self {
            id,
            // Whoever retries another tenant's job does it on that tenant's behalf: it stays visible to them.
            tenant: job.tenant.clone(),
            weight: 1,
            operation: job.operation,
            priority: job.priority,
            area: job.area,
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
            warnings: Vec::new(),
        }
    }
}

/// Targets of one job in one lane.
#[derive(Debug, Clone)]
pub struct JobPart {
    pub lane: Lane,
    pub state: PartState,
    pub targets: Vec<Target>,
}

/// How a job's items begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    Due,
    Delayed(Timestamp),
    /// Until every purge of the same job that covers the target has succeeded.
    Blocked,
}

/// The client's name for a job, and the hash of the body that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    pub fingerprint: [u8; 32],
}
