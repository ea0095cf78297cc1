//! One target of one job, as it is stored.

use super::{ItemVerification, PartState};
use crate::domain::{
    Failure, ItemId, ItemOperation, ItemState, JobId, Lane, LaneId, Target, TenantName, Timestamp, Verification,
    WaitingReason,
};

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
    /// Why it waits although nothing has failed, if it was deferred: the reason, and a sentence for people.
    pub wait: Option<(WaitingReason, String)>,
    /// The job, and its tenant, of the purge that it waits for.
    pub purge_first: Option<(JobId, TenantName)>,
    /// The failure of its last attempt.
    pub failure: Option<Failure>,
}
