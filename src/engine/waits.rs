//! Why a lane waits, apart from its account and quota.

use std::time::Duration;

use super::lane_status::Wait;
use crate::domain::{Lane, Timestamp, WaitingReason};
use crate::store::{LaneDepth, LanePause, StoreError};

/// A claim deferred as many items as one claim may. The next one goes on behind them, after other writers had their turn.
pub(super) fn items_deferred(now: Timestamp) -> Wait {
    Wait {
        reason: WaitingReason::Rate,
        detail: "skipping items that cannot be sent yet".to_owned(),
        until: Some(now + DEFER_PAUSE),
    }
}

const DEFER_PAUSE: Duration = Duration::from_millis(10);
/// How soon a claim is tried again after the store failed.
const CLAIM_PAUSE: Duration = Duration::from_secs(1);

/// A person paused the lane; it waits until a person resumes it.
#[must_use]
pub fn lane_paused(pause: &LanePause) -> Wait {
    let why = pause.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let detail = format!("the lane was paused by {}{why}", pause.by);
    Wait { reason: WaitingReason::LanePaused, detail, until: None }
}

pub(super) fn claim_failed(depth: &LaneDepth, error: &StoreError, now: Timestamp) -> Wait {
    tracing::error!(lane = %depth.lane, error = ?error, "could not claim a batch of this lane; the other lanes go on");
    let detail = format!("the daemon's database failed ({error}); see the daemon's log");
    Wait { reason: WaitingReason::Outage, detail, until: Some(now + CLAIM_PAUSE) }
}

pub(super) fn account_removed(lane: &Lane) -> Wait {
    Wait {
        reason: WaitingReason::AccountPaused,
        detail: format!(
            "account {} is not in the configuration any more; add it again, or cancel the job",
            lane.account
        ),
        until: None,
    }
}
