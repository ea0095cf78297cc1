//! What a lane may send now, and the batch that was claimed for it.

use std::collections::HashSet;
use std::sync::Arc;

use super::LanePause;
use crate::domain::{Failure, Lane, LaneId, SubmissionId, Target, TenantName, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneDepth {
    pub id: LaneId,
    pub lane: Lane,
    /// Due items by priority, `Priority::ALL`'s order.
    pub due: [u64; 3],
    /// Held back by a person: nothing of it is claimed.
    pub paused: Option<LanePause>,
}

/// How many calls of a lane its sender has made before. Isolated items take turns with the others by this, so each lane has
/// its own count: lanes that are claimed in step would always get the same turn of a common one.
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
    /// Hosts that need no accepted call as a proof.
    pub online_hosts: OnlineHosts,
    /// Hosts that the provider refused of late.
    pub suspended_hosts: Vec<SuspendedHost>,
    /// Tenants that may draw only so much more today.
    pub shares: Vec<TenantShare>,
}

/// The domains that the provider lists as online, lately read; `*.example.com` stands for every host below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnlineHosts(Arc<HashSet<String>>);

impl OnlineHosts {
    #[must_use]
    pub fn new(names: HashSet<String>) -> Self {
        Self(Arc::new(names))
    }

    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        let is_below = |dot: usize| self.0.contains(&format!("*{}", &host[dot..]));
        self.0.contains(host) || host.match_indices('.').any(|(dot, _)| is_below(dot))
    }
}

/// What a tenant may still draw of a lane's pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantShare {
    pub tenant: TenantName,
    pub remaining: u64,
    /// What is more waits until then.
    pub until: Timestamp,
    /// Why, in words.
    pub detail: String,
}

/// A host that the provider refused. Its targets are sent by themselves, so that no other batch is refused for them.
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
    /// Items of the lane that are sent: more than targets where several have the same one. URL purges that are covered by a
    /// directory are of another lane, and not counted.
    pub items: u32,
    /// They are sent apart from the lane's other targets: parts of a refused batch, or hosts that are not proved.
    pub isolated: bool,
}
