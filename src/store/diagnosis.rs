//! What a diagnosis begins with, and what is kept of it.

use super::Item;
use crate::domain::{DiagnosisId, ErrorClass, JobId, Lane, TenantName, Timestamp};

/// The item of a job that tells most, and what the rest of the job adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelevantItem {
    pub item: Item,
    pub lane: Lane,
    /// When its submission was stored.
    pub sent_at: Option<Timestamp>,
    /// How many of the job's items failed in each way, most frequent first.
    pub failures: Vec<(ErrorClass, String, u64)>,
}

/// A diagnosis as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDiagnosis {
    pub id: DiagnosisId,
    /// The tenant that it belongs to: the job's, else the caller's.
    pub tenant: TenantName,
    /// The job that was asked about, and its version at that moment.
    pub job: Option<(JobId, i64)>,
    /// JSON that the store does not look into.
    pub body: String,
    pub created_at: Timestamp,
}

/// Which diagnoses may go: those of before a moment, and all but so many of the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionCutoff {
    pub before: Timestamp,
    pub newest: u32,
}
