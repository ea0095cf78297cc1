//! What happened to a job.

use crate::domain::string_enum::words;
use crate::domain::{Failure, SubmissionId, Timestamp};

words!(
    /// What happened to a job.
    EventKind {
        /// The job was kept.
        Accepted = "accepted",
        /// Items were taken into a call that is about to be made.
        Claimed = "claimed",
        /// The provider named a task for them.
        Submitted = "submitted",
        /// They were given back unsent or refused, and will be tried again.
        Released = "released",
        /// The provider refused the batch for one of its targets; it goes on in halves.
        Split = "split",
        /// The answer was lost; the provider's own list decides.
        Ambiguous = "ambiguous",
        /// The provider ended the task.
        Settled = "settled",
        /// Items ended without success.
        Failed = "failed",
        /// Somebody does not want the job any more.
        Cancelled = "cancelled",
        /// Pending items ran out of time.
        Expired = "expired",
        /// No item is open any more.
        Finished = "finished",
        /// The edge was looked at for the last time.
        Verified = "verified",
        /// What stayed stale is purged once more, by another job.
        Repurged = "repurged",
    }
);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub seq: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub message: String,
    pub items: Option<u32>,
    pub submission: Option<SubmissionId>,
    pub task_id: Option<String>,
    pub failure: Option<Failure>,
}
