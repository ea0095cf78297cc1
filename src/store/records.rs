//! What goes into the memory and comes out of it, in the words of the domain.

use super::{LanePause, PartState};
use crate::domain::string_enum::words;
use crate::domain::{
    Area, Counts, Failure, ItemId, ItemOperation, ItemState, JobId, JobStatus, Labels, Lane, LaneId, Operation,
    Priority, Proof, SubmissionId, SubmissionState, Target, TenantName, Timestamp, Verification, Warning,
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

/// A job's row number, tenant-checked by whoever made it.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    pub lane: LaneId,
    pub target: Target,
    pub operation: ItemOperation,
    pub state: ItemState,
    /// A pending item that waits for a moment: until when.
    pub delayed_until: Option<Timestamp>,
    /// A pending item that waits for its purge.
    pub blocked: bool,
    pub attempts: u32,
    pub task_id: Option<String>,
    pub request_id: Option<String>,
    pub failure: Option<Failure>,
    pub verification: Verification,
    /// The last look at it.
    pub seen: Option<ItemVerification>,
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

/// An item that ended without success, and the lane it was meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsuccessfulItem {
    pub lane: Lane,
    pub target: Target,
}

/// Where a pending item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingItem {
    pub lane: LaneId,
    pub state: PartState,
    /// Why it waits for a moment, if something went wrong.
    pub failure: Option<Failure>,
}

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneDepth {
    pub id: LaneId,
    pub lane: Lane,
    /// Due items by priority, `Priority::ALL`'s order.
    pub due: [u64; 3],
    /// Held back by a person: nothing of it is claimed.
    pub paused: Option<LanePause>,
}

/// How many calls of a lane its sender has made before. Those who travel apart take turns with open company by this, so it is the
/// lane's own: lanes that are claimed in step would share one count out among them, and always the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallSequence(pub u64);

/// What a lane may send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub lane: LaneId,
    pub sequence: CallSequence,
    pub targets_max: u32,
    /// Of these, targets of other than urgent items.
    pub non_urgent_max: u32,
    pub bytes_max: usize,
    /// Hosts that the provider refused of late.
    pub suspended_hosts: Vec<SuspendedHost>,
    /// Tenants that may draw only so much more today.
    pub shares: Vec<TenantShare>,
}

/// What a tenant may still draw of a lane's pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantShare {
    pub tenant: TenantName,
    pub left: u64,
    /// What is more waits until then.
    pub until: Timestamp,
    /// Why, in words.
    pub detail: String,
}

/// Places that a tenant's items won in a lane, and that may have been charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSpending {
    pub lane: Lane,
    pub tenant: TenantName,
    pub targets: u64,
}

/// A host that the provider refused. Its targets travel by themselves, so that nobody else's batch is refused for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspendedHost {
    pub host: String,
    /// The refused call; the host's targets have a cohort that is named after it.
    pub refused: SubmissionId,
    /// Nothing of the host leaves before then.
    pub until: Timestamp,
    pub failure: Failure,
}

/// A batch whose intent is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub submission: SubmissionId,
    pub targets: Vec<Target>,
    /// Items of the lane that travel: more than targets where several asked for the same one. URL purges that ride on a
    /// directory are of another lane, and not counted.
    pub items: u32,
    /// They went apart from the lane's other targets: halves of a refused batch, or hosts that are not proved.
    pub isolated: bool,
}

/// Whether a guarded change found the state that it expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    Done,
    /// Someone was first; nothing was changed.
    Conflict,
}

/// How a submission's items come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Refused`: the provider said no. `Released`: it was never sent, or the provider's list does not know it.
    pub state: SubmissionState,
    pub failure: Failure,
    pub items: ReleaseAction,
}

/// What becomes of items that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseAction {
    /// Due at once: whatever holds the lane back is the scheduler's to know.
    Requeue,
    /// Each half of the targets travels alone next time; a batch of one target fails.
    SplitTargets,
    /// Each half of the hosts travels alone next time; a batch of one host is halved.
    SplitHosts,
    /// All of them wait until then, and travel by themselves after that.
    Park { until: Timestamp },
    /// All of them end `failed`.
    Fail,
}

/// Failed rows go again at `at` while fewer than `attempts_max` were made, and end `failed` after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRetry {
    pub attempts_max: u32,
    pub at: Timestamp,
}

/// A target that the provider reports as failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTarget {
    pub target: String,
    pub failure: Failure,
}

/// A submission that wants a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSubmission {
    pub id: SubmissionId,
    pub lane: Lane,
    pub targets: u32,
    pub task_id: Option<String>,
    pub created_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub looks: u32,
}

/// Distinct targets that a lane may have been charged for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUsage {
    pub lane: Lane,
    pub targets: u64,
    /// Of these, in submissions without an answer yet.
    pub in_flight: u64,
    /// Beside these, in submissions whose answer was lost and that the provider did not list in time: most likely not
    /// charged, but nobody can tell (law 4).
    pub undecided: u64,
}

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
