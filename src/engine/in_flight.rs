//! The submitter's open calls: claims whose calls are in flight, or whose answers are not recorded. Any other submission in
//! state `sending` is an orphan: the store committed its claim although it reported an error, so it was never sent.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::{ErrorClass, Failure, Lane, LaneId, SubmissionId, SubmissionState, Timestamp};
use crate::store::{CallSequence, LaneDepth, Release, ReleaseAction, Store, StoreError};

/// Between two checks for orphaned submissions: a store may commit a change after it reported an error.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// How soon the release of an orphan is tried again if the store failed.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct InFlight {
    turns: HashMap<LaneId, CallSequence>,
    calls: HashMap<SubmissionId, LaneId>,
    /// Orphans that are still `sending`.
    strays: HashMap<SubmissionId, Lane>,
    /// None: at once.
    look_at: Option<Timestamp>,
}

impl InFlight {
    pub(super) fn add(&mut self, submission: SubmissionId, lane: LaneId) {
        self.calls.insert(submission, lane);
        self.turns.entry(lane).or_default().0 += 1;
    }

    /// Whose turn it is in the lane's next call.
    pub(super) fn call_sequence(&self, lane: LaneId) -> CallSequence {
        self.turns.get(&lane).copied().unwrap_or_default()
    }

    /// What became of it is recorded.
    pub(super) fn remove(&mut self, submission: SubmissionId) {
        self.calls.remove(&submission);
    }

    /// The store told an error for a claim, and may have made it.
    pub(super) fn expect_orphan(&mut self) {
        self.look_at = None;
    }

    /// Submissions of the lane without an answer, whoever has them.
    pub(super) fn in_flight(&self, lane: &LaneDepth) -> u32 {
        let calls = self.calls.values().filter(|id| **id == lane.id).count();
        let strays = self.strays.values().filter(|stray| **stray == lane.lane).count();
        u32::try_from(calls + strays).unwrap_or(u32::MAX)
    }

    /// When the store is asked again although nothing happens: it could not release an orphan.
    pub(super) fn next_check(&self) -> Option<Timestamp> {
        if self.strays.is_empty() { None } else { self.look_at }
    }

    /// Releases every stray: no call was made for it, and none will be. Tells whether there was any. Nothing is claimed while
    /// this step fails, so that strays and calls together stay within what may be in flight.
    pub(super) async fn release_orphans(&mut self, store: &dyn Store, now: Timestamp) -> Result<bool, StoreError> {
        if self.look_at.is_some_and(|at| now < at) {
            return Ok(false);
        }
        let mut sending = store.sending_submissions().await?;
        self.look_at = Some(now + LOOK_INTERVAL);
        sending.retain(|one| !self.calls.contains_key(&one.id));
        self.strays = sending.iter().map(|one| (one.id, one.lane.clone())).collect();
        for stray in &sending {
            tracing::error!(submission.id = stray.id.0, lane = %stray.lane, targets = stray.targets,
                "releasing an orphaned submission: the claim was committed although the database reported an error");
            let back =
                Release { state: SubmissionState::Released, failure: orphan_failure(), items: ReleaseAction::Requeue };
            match store.release(stray.id, back, now).await {
                Ok(_) => drop(self.strays.remove(&stray.id)),
                Err(error) => {
                    tracing::error!(submission.id = stray.id.0, error = ?error, "a claim that nobody has could not be let go");
                    self.look_at = Some(now + AGAIN);
                }
            }
        }
        Ok(!sending.is_empty())
    }
}

fn orphan_failure() -> Failure {
    let message = "the database reported an error but stored the batch; it was never sent and is queued again";
    Failure::new(ErrorClass::Internal, Failure::CLAIM_ASTRAY, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lanes_turn_is_its_own() {
        let mut in_flight_calls = InFlight::default();
        let (one, other) = (LaneId(1), LaneId(2));
        for submission in [1, 3, 4] {
            in_flight_calls.add(SubmissionId(submission), one);
        }
        in_flight_calls.add(SubmissionId(2), other);
        in_flight_calls.remove(SubmissionId(1));
        assert_eq!(
            [
                in_flight_calls.call_sequence(one),
                in_flight_calls.call_sequence(other),
                in_flight_calls.call_sequence(LaneId(3))
            ],
            [3, 1, 0].map(CallSequence)
        );
    }
}
