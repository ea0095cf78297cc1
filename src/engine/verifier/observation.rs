//! What the probes of one target showed.

use crate::domain::{ItemId, Lane, Proof, Target, Verification};

/// Who asked for a target, and in which lanes it went.
#[derive(Debug, Clone, Default)]
pub(super) struct Requesters {
    pub(super) items: Vec<ItemId>,
    pub(super) lanes: Vec<Lane>,
}

/// What one target looked like, for all items that asked for it.
pub(super) struct TargetObservation {
    pub(super) target: Target,
    /// None: it stands for a directory, and nobody asked for it now.
    pub(super) items: Vec<ItemId>,
    pub(super) lanes: Vec<Lane>,
    pub(super) verification: Verification,
    pub(super) reason: String,
    /// Another look may see more.
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
