//! Exit codes, and the code for a job's state.

use crate::api::wire::JobAnswer;
use crate::domain::{JobStatus, Verification};

pub(super) const SUCCEEDED: u8 = 0;
pub(super) const NOTHING_SUCCEEDED: u8 = 1;
pub(super) const USAGE: u8 = 2;
pub(super) const STILL_OPEN: u8 = 3;
pub(super) const DENIED: u8 = 4;
pub(super) const UNANSWERED: u8 = 5;
pub(super) const PARTIAL: u8 = 6;
pub(super) const STALE: u8 = 7;
pub(super) const SERVER_USAGE: u8 = 64;
/// Standard output could not be written (`EX_IOERR`). None of the contract's codes means this.
pub(super) const OUTPUT_FAILED: u8 = 74;
/// A bug of the daemon (`EX_SOFTWARE`): its service manager starts it again.
pub(super) const INTERNAL_ERROR: u8 = 70;
pub(super) const BAD_CONFIGURATION: u8 = 78;
/// As a shell reports a process that ended by SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// The code for a job's present state.
pub(super) fn of_job(job: &JobAnswer) -> u8 {
    match status(job) {
        Some(JobStatus::Succeeded) => match verification(job) {
            Some(Verification::Stale) => STALE,
            Some(Verification::Pending) => STILL_OPEN,
            Some(Verification::Fresh | Verification::None | Verification::Unknown) | None => SUCCEEDED,
        },
        Some(JobStatus::Partial) => PARTIAL,
        Some(JobStatus::Failed | JobStatus::Cancelled | JobStatus::Expired) => NOTHING_SUCCEEDED,
        Some(JobStatus::Pending | JobStatus::Running) | None => STILL_OPEN,
    }
}

/// Whether nothing about the job will change any more, its verification included.
pub(super) fn is_settled(job: &JobAnswer) -> bool {
    status(job).is_some_and(JobStatus::is_final) && verification(job) != Some(Verification::Pending)
}

/// `None`: the status is one of a newer daemon. Such a job counts as open.
pub(super) fn status(job: &JobAnswer) -> Option<JobStatus> {
    job.status.parse().ok()
}

/// `None`: the verification is one of a newer daemon.
pub(super) fn verification(job: &JobAnswer) -> Option<Verification> {
    job.verification.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_fixtures::job;

    #[test]
    fn a_code_follows_from_status_and_verification() {
        for (status, verification, code, settled) in [
            ("succeeded", "fresh", 0, true),
            ("succeeded", "none", 0, true),
            ("succeeded", "unknown", 0, true),
            ("succeeded", "stale", 7, true),
            ("succeeded", "pending", 3, false),
            ("partial", "fresh", 6, true),
            ("partial", "stale", 6, true),
            ("partial", "pending", 6, false),
            ("failed", "none", 1, true),
            ("failed", "pending", 1, false),
            ("cancelled", "none", 1, true),
            ("expired", "none", 1, true),
            ("pending", "pending", 3, false),
            ("running", "none", 3, false),
            ("pondering", "none", 3, false),
        ] {
            let job = job(status, verification);
            assert_eq!((of_job(&job), is_settled(&job)), (code, settled), "{status} {verification}");
        }
    }
}
