//! A job as it is stored, and how jobs are looked for.

use crate::domain::{
    Area, Counts, JobId, JobStatus, Labels, Operation, Priority, TenantName, Timestamp, Verification, Warning,
};

/// What became of a new job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// It is on stable storage.
    Created(Box<Job>),
    /// The tenant used this key before, with the same body, for this job.
    Replayed(JobId),
    /// The tenant used this key before, with another body.
    KeyReused,
}

/// A job's row number, made only after its tenant was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobRef(pub(crate) i64);

impl JobRef {
    /// The row number, for cursors.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub row: JobRef,
    pub id: JobId,
    pub tenant: TenantName,
    pub operation: Operation,
    pub priority: Priority,
    /// As it was asked for: `Own` where nothing was, whatever its lanes have.
    pub area: Area,
    pub source: Option<String>,
    pub labels: Labels,
    pub not_before: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    pub merged: u32,
    pub counts: Counts,
    pub started: bool,
    pub verification: Verification,
    pub retry_of: Option<JobId>,
    /// What was told of it when it was accepted.
    pub warnings: Vec<Warning>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
}

/// Rows after one, at most so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The last row's number of the page before; 0 for the first page.
    pub after: i64,
    pub limit: u32,
}

/// Which jobs are looked for: those that fit every condition that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub tenant: Option<TenantName>,
    pub status: Option<JobStatus>,
    pub operation: Option<Operation>,
    pub host: Option<String>,
    /// In its normal form.
    pub target: Option<String>,
    pub label: Option<(String, String)>,
    pub source: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub task_id: Option<String>,
    pub exactly: Option<FreeTextQuery>,
}

/// A text that names a job in any of the ways that a person at hand may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeTextQuery {
    /// A task or request id, a host, or a label's value.
    pub text: String,
    /// If it can be a job's id.
    pub job: Option<JobId>,
    /// If it can be a target: its normal form.
    pub target: Option<String>,
}
