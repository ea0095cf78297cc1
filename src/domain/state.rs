//! The states of items and submissions, and why a pending item waits (docs/laws.md).

use super::string_enum::words;

words!(
    /// The public state of an item.
    ItemState {
        Pending = "pending",
        Submitted = "submitted",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
        Expired = "expired",
    }
);

impl ItemState {
    /// A final item never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Submitted)
    }

    /// Whether an item may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use ItemState::{Cancelled, Expired, Failed, Pending, Submitted, Succeeded};
        match self {
            // From pending to failed: the purge before a prefetch failed (law 6).
            Pending => matches!(next, Submitted | Cancelled | Expired | Failed),
            Submitted => matches!(next, Pending | Succeeded | Failed | Cancelled),
            Succeeded | Failed | Cancelled | Expired => false,
        }
    }
}

words!(
    /// The state of a submission.
    SubmissionState {
        Sending = "sending",
        Accepted = "accepted",
        Refused = "refused",
        Released = "released",
        Ambiguous = "ambiguous",
        Settled = "settled",
    }
);

impl SubmissionState {
    /// Whether a submission may go from this state to `next`.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use SubmissionState::{Accepted, Ambiguous, Refused, Released, Sending, Settled};
        match self {
            Sending => matches!(next, Accepted | Refused | Released | Ambiguous),
            Ambiguous => matches!(next, Accepted | Released),
            Accepted => matches!(next, Settled),
            Refused | Released | Settled => false,
        }
    }

    /// Whether its targets may have been charged to the day quota.
    #[must_use]
    pub const fn may_have_spent(self) -> bool {
        !matches!(self, Self::Refused | Self::Released)
    }
}

words!(
    /// The state of a lane.
    LaneState {
        /// It sends what is due, if anything is.
        Running = "running",
        /// A person paused it.
        Paused = "paused",
        /// It has work and may not send it now.
        Waiting = "waiting",
    }
);

words!(
    /// Why a pending item is not sent.
    WaitingReason {
        Rate = "rate",
        Throttled = "throttled",
        DayQuota = "day_quota",
        AccountPaused = "account_paused",
        LanePaused = "lane_paused",
        HostParked = "host_parked",
        NotBefore = "not_before",
        Backoff = "backoff",
        PurgeFirst = "purge_first",
        Reconciling = "reconciling",
        Outage = "outage",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_item_never_changes() {
        for &from in ItemState::ALL.iter().filter(|state| state.is_final()) {
            assert!(ItemState::ALL.iter().all(|&next| !from.may_become(next)), "{from}");
        }
    }

    #[test]
    fn what_was_sent_does_not_expire() {
        assert!(!ItemState::Submitted.may_become(ItemState::Expired));
    }

    #[test]
    fn a_submission_that_was_given_back_spent_nothing() {
        let spent: Vec<_> = SubmissionState::ALL.iter().filter(|state| state.may_have_spent()).collect();
        assert_eq!(
            spent,
            [
                &SubmissionState::Sending,
                &SubmissionState::Accepted,
                &SubmissionState::Ambiguous,
                &SubmissionState::Settled
            ]
        );
    }
}
