//! Which jobs are verified next, and what was observed.

use super::JobRef;
use crate::domain::{ItemId, JobId, Lane, Proof, Target, Timestamp, Verification};

/// A finished job whose edge wants a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueVerification {
    pub job: JobRef,
    pub id: JobId,
    /// One of the job's hosts, the same one every time.
    pub host: String,
    pub finished_at: Timestamp,
    pub looks: u32,
}

/// A walk from host to host, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostScan {
    /// The host after which it goes on; empty: from the first.
    pub after: String,
    pub hosts: u32,
    /// Jobs of each host.
    pub each: u32,
}

/// One target to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationSample {
    pub item: ItemId,
    pub target: Target,
    pub lane: Lane,
}

/// What was seen at the edge for an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemVerdict {
    pub item: ItemId,
    pub verification: Verification,
    pub reason: String,
    /// None: one of the sides could not be looked at.
    pub proof: Option<Proof>,
}

/// Why an item's verification is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemVerification {
    pub at: Timestamp,
    pub reason: String,
    pub proof: Option<Proof>,
}

/// What was seen at the edge for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationRecord {
    pub verdicts: Vec<ItemVerdict>,
    /// Another job purges once more what stayed stale: in words, for the history.
    pub repurged: Option<String>,
    /// The job's verdict, if this was the last look; otherwise when to look again.
    pub end: Result<(Verification, String), Timestamp>,
}
