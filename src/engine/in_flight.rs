//! The submitter's open calls: claims without a recorded answer. Any other submission that is `sending` in the store is an
//! orphan: `claim` returned an error although it committed, so no call was made and no answer will come.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{ErrorClass, Failure, Lane, LaneId, SubmissionId, SubmissionState, Timestamp};
use crate::store::{CallSequence, LaneDepth, Release, ReleaseAction, Store, StoreError};

/// Between two checks for orphans while there was no error: a store may commit after it reported an error.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// How soon an orphan is released again after the store failed to release it.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct InFlight {
    sequences: HashMap<LaneId, CallSequence>,
    calls: HashMap<SubmissionId, LaneId>,
    /// Orphans that are still `sending`.
    orphans: HashMap<SubmissionId, Lane>,
    /// When to check for orphans; none: at once.
    check_at: Option<Timestamp>,
}

impl InFlight {
    pub(super) fn add(&mut self, submission: SubmissionId, lane: LaneId) {
        self.calls.insert(submission, lane);
        self.sequences.entry(lane).or_default().0 += 1;
    }

    /// The number of the lane's next call, by which isolated items take turns with the normal ones.
    pub(super) fn call_sequence(&self, lane: LaneId) -> CallSequence {
        self.sequences.get(&lane).copied().unwrap_or_default()
    }

    /// The outcome of the submission is recorded.
    pub(super) fn remove(&mut self, submission: SubmissionId) {
        self.calls.remove(&submission);
    }

    /// A claim returned an error, and may have committed.
    pub(super) fn expect_orphan(&mut self) {
        self.check_at = None;
    }

    /// Submissions of the lane without an answer, orphans included.
    pub(super) fn in_flight(&self, lane: &LaneDepth) -> u32 {
        let calls = self.calls.values().filter(|id| **id == lane.id).count();
        let orphans = self.orphans.values().filter(|orphan| **orphan == lane.lane).count();
        u32::try_from(calls + orphans).unwrap_or(u32::MAX)
    }

    /// When to check again although nothing else happens: an orphan could not be released.
    pub(super) fn next_check(&self) -> Option<Timestamp> {
        if self.orphans.is_empty() { None } else { self.check_at }
    }

    /// Releases every orphan, and returns whether there was any. Nothing is claimed while this fails, so that orphans and calls
    /// together stay within the limit of calls in flight.
    pub(super) async fn release_orphans(&mut self, store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
        if self.check_at.is_some_and(|at| now < at) {
            return Ok(false);
        }
        let mut sending = store.sending_submissions().await?;
        self.check_at = Some(now + CHECK_INTERVAL);
        sending.retain(|submission| !self.calls.contains_key(&submission.id));
        self.orphans = sending.iter().map(|orphan| (orphan.id, orphan.lane.clone())).collect();
        for orphan in &sending {
            tracing::error!(submission.id = orphan.id.0, lane = %orphan.lane, targets = orphan.targets,
                "releasing an orphaned submission: the claim was committed although the database reported an error");
            let release =
                Release { state: SubmissionState::Released, failure: orphan_failure(), items: ReleaseAction::Requeue };
            match store.release(orphan.id, release, now).await {
                Ok(_) => drop(self.orphans.remove(&orphan.id)),
                Err(error) => {
                    tracing::error!(submission.id = orphan.id.0, error = ?error, "could not release an orphaned submission; trying again in a second");
                    self.check_at = Some(now + RETRY_PAUSE);
                }
            }
        }
        Ok(!sending.is_empty())
    }
}

fn orphan_failure() -> Failure {
    let message = "the database reported an error but stored the batch; it was never sent and is queued again";
    Failure::new(ErrorClass::Internal, Failure::ORPHANED_CLAIM, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lanes_turn_is_its_own() {
        let mut in_flight = InFlight::default();
        let (one, other) = (LaneId(1), LaneId(2));
        for submission in [1, 3, 4] {
            in_flight.add(SubmissionId(submission), one);
        }
        in_flight.add(SubmissionId(2), other);
        in_flight.remove(SubmissionId(1));
        assert_eq!(
            [in_flight.call_sequence(one), in_flight.call_sequence(other), in_flight.call_sequence(LaneId(3))],
            [3, 1, 0].map(CallSequence)
        );
    }
}
