//! What the probes of one target showed.

use crate::domain::{ItemId, Lane, Proof, Target, Verification};

/// The items that name a target, and their lanes.
#[derive(Debug, Clone, Default)]
pub(super) struct Requesters {
    pub(super) items: Vec<ItemId>,
    pub(super) lanes: Vec<Lane>,
}

/// The observation of one target, for all items that name it.
pub(super) struct TargetObservation {
    pub(super) target: Target,
    /// Empty: the URL only verifies a directory.
    pub(super) items: Vec<ItemId>,
    pub(super) lanes: Vec<Lane>,
    pub(super) verification: Verification,
    pub(super) reason: String,
    /// Another probe may change this.
    pub(super) again: bool,
    pub(super) proof: Option<Proof>,
}

impl TargetObservation {
    pub(super) fn new(target: Target, requesters: Requesters, verification: Verification, reason: String) -> Self {
        Self {
            target,
            items: requesters.items,
            lanes: requesters.lanes,
            verification,
            reason,
            again: true,
            proof: None,
        }
    }
}
