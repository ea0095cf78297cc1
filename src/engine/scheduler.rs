//! The pure decision: may this lane send now, how much, and if not, why not?

use super::lane_status::Wait;
use crate::domain::{ErrorClass, Failure, PoolAvailability, PoolName, Reserve, Timestamp, WaitingReason};

/// Calls of one lane without an answer. More would only leave more to reconcile after a crash.
pub(super) const IN_FLIGHT_MAX: u32 = 16;
/// How soon a lane whose quota is not known is decided again.
const QUOTA_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send one batch of at most so many targets, of which so many may be other than urgent.
    Send {
        targets_max: u32,
        others_max: u32,
    },
    /// The quota has to be read first.
    AskQuota(Wait),
    Wait(Wait),
}

/// What the lane has to send.
#[derive(Debug)]
pub(super) struct LaneLoad {
    /// Items that are due and urgent.
    pub(super) urgent: u64,
    /// Other items that are due; at least one of both.
    pub(super) others: u64,
    /// Most targets of one call.
    pub(super) batch_max: u32,
    pub(super) in_flight: u32,
    /// A person paused the lane.
    pub(super) paused: Option<Wait>,
}

/// What the account allows a lane at one moment.
pub(super) struct AccountLimits {
    pub(super) pause: Option<Wait>,
    /// A pause is over and no call has succeeded since: one call at a time.
    pub(super) probing: bool,
    /// Submissions of the account without an answer.
    pub(super) open_calls: u32,
    pub(super) tokens: u32,
    pub(super) next_token: Option<Timestamp>,
    pub(super) throttled: bool,
    pub(super) pools: Vec<(PoolName, PoolAvailability)>,
    pub(super) quota_fault: Option<Failure>,
    /// When the day quotas are reset.
    pub(super) reset: Timestamp,
}

pub(super) fn decide(lane: &LaneLoad, limits: &AccountLimits, now: Timestamp) -> Decision {
    let wait = |reason, detail: &str, until| Decision::Wait(Wait { reason, detail: detail.to_owned(), until });
    if let Some(pause) = lane.paused.as_ref().or(limits.pause.as_ref()) {
        return Decision::Wait(pause.clone());
    }
    let (mut targets, mut others, mut batch) = (u64::MAX, u64::MAX, lane.batch_max);
    for (name, availability) in &limits.pools {
        match availability {
            PoolAvailability::Available { targets: count, others: open, batch: most } => {
                if *open == 0 && lane.urgent == 0 {
                    let opens = Reserve::RELEASED_BEFORE_RESET.as_secs() / 60;
                    let detail = format!(
                        "the rest of the day quota {name} is reserved for urgent jobs until {opens} minutes before the reset"
                    );
                    return wait(WaitingReason::DayQuota, &detail, Some(limits.reset));
                }
                targets = targets.min(*count);
                others = others.min(*open);
                batch = batch.min(*most);
            }
            PoolAvailability::ReadingStale => return Decision::AskQuota(quota_unknown(limits, now)),
            PoolAvailability::Exhausted { until } => {
                return wait(WaitingReason::DayQuota, &format!("the day quota {name} is spent"), Some(*until));
            }
        }
    }
    let reason = if limits.throttled { WaitingReason::Throttled } else { WaitingReason::Rate };
    // Only an answer ends these waits, and recording it causes the next step: there is no time to wait until.
    if limits.probing && limits.open_calls > 0 {
        return wait(reason, "one call at a time is sent until one succeeds, because the last ones failed", None);
    }
    if lane.in_flight >= IN_FLIGHT_MAX {
        return wait(reason, "the limit of open calls is reached; the next one is sent after an answer", None);
    }
    if limits.tokens == 0 {
        return wait(reason, "the provider's call rate is used up for this second", limits.next_token);
    }
    let others = others.min(lane.others);
    let targets = targets.min(u64::from(batch)).min(lane.urgent + others);
    let most = |targets: u64| u32::try_from(targets).unwrap_or(batch);
    Decision::Send { targets_max: most(targets).max(1), others_max: most(others) }
}

/// Nothing is sent before the quota is known (law 3). If reading it failed, the failure is the reason.
fn quota_unknown(limits: &AccountLimits, now: Timestamp) -> Wait {
    let until = Some(now + QUOTA_RETRY);
    match &limits.quota_fault {
        None => Wait {
            reason: WaitingReason::DayQuota,
            detail: "reading the day quota from the provider".to_owned(),
            until,
        },
        Some(failure) => {
            let reason = match failure.class {
                ErrorClass::Outage | ErrorClass::Lost => WaitingReason::Outage,
                ErrorClass::Throttle => WaitingReason::Throttled,
                _ => WaitingReason::AccountPaused,
            };
            Wait { reason, detail: format!("could not read the day quota: {}", failure.summary_with_advice()), until }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn limits(tokens: u32, pools: Vec<PoolAvailability>) -> AccountLimits {
        let named = |(index, availability)| (PoolName(format!("pool-{index}")), availability);
        AccountLimits {
            pause: None,
            probing: false,
            open_calls: 0,
            tokens,
            next_token: None,
            throttled: false,
            pools: pools.into_iter().enumerate().map(named).collect(),
            quota_fault: None,
            reset: NOW + std::time::Duration::from_secs(3600),
        }
    }

    fn open(targets: u64, batch: u32) -> PoolAvailability {
        PoolAvailability::Available { targets, others: targets, batch }
    }

    fn lane(due: u64, in_flight: u32) -> LaneLoad {
        LaneLoad { urgent: 0, others: due, batch_max: 1000, in_flight, paused: None }
    }

    fn reason(decision: &Decision) -> Option<WaitingReason> {
        match decision {
            Decision::Send { .. } => None,
            Decision::Wait(waiting) | Decision::AskQuota(waiting) => Some(waiting.reason),
        }
    }

    #[test]
    fn the_tighter_of_two_pools_decides() {
        let pools = vec![open(700, 500), open(300, 1000)];
        assert_eq!(
            decide(&lane(10_000, 0), &limits(1, pools), NOW),
            Decision::Send { targets_max: 300, others_max: 300 }
        );
    }

    #[test]
    fn every_obstacle_is_named() {
        let open = || vec![open(1000, 1000)];
        let availabilities = vec![PoolAvailability::Available { targets: 50, others: 0, batch: 1000 }];
        let until = NOW + std::time::Duration::from_secs(60);
        let paused = Wait { reason: WaitingReason::AccountPaused, detail: String::new(), until: None };
        for (lane, limits, expected) in [
            (lane(1, 0), AccountLimits { pause: Some(paused), ..limits(20, open()) }, WaitingReason::AccountPaused),
            (lane(1, 0), limits(20, vec![PoolAvailability::Exhausted { until }]), WaitingReason::DayQuota),
            (lane(1, 0), limits(20, vec![PoolAvailability::ReadingStale]), WaitingReason::DayQuota),
            (lane(1, 0), limits(20, availabilities), WaitingReason::DayQuota),
            (lane(1, 0), limits(0, open()), WaitingReason::Rate),
            (lane(1, 0), AccountLimits { throttled: true, ..limits(0, open()) }, WaitingReason::Throttled),
            (lane(1, IN_FLIGHT_MAX), limits(20, open()), WaitingReason::Rate),
            (lane(1, 0), AccountLimits { probing: true, open_calls: 1, ..limits(20, open()) }, WaitingReason::Rate),
        ] {
            assert_eq!(reason(&decide(&lane, &limits, NOW)), Some(expected));
        }
    }

    #[test]
    fn a_lane_that_a_person_holds_back_waits_for_that_whatever_else_is() {
        let paused = Wait { reason: WaitingReason::LanePaused, detail: "why".to_owned(), until: None };
        let load = LaneLoad { paused: Some(paused.clone()), ..lane(1, 0) };
        let open = || vec![open(1000, 1000)];
        let account = Wait { reason: WaitingReason::AccountPaused, detail: String::new(), until: Some(NOW) };
        for limits in [
            limits(20, open()),
            limits(0, open()),
            AccountLimits { pause: Some(account), ..limits(20, vec![PoolAvailability::ReadingStale]) },
        ] {
            assert_eq!(decide(&load, &limits, NOW), Decision::Wait(paused.clone()));
        }
    }

    #[test]
    fn a_wait_that_only_an_answer_ends_names_no_moment() {
        let limits = || AccountLimits { next_token: Some(NOW), ..limits(20, vec![open(1000, 1000)]) };
        for (lane, limits) in [
            (lane(1, IN_FLIGHT_MAX), limits()),
            (lane(1, 1), AccountLimits { probing: true, open_calls: 1, ..limits() }),
        ] {
            let Decision::Wait(waiting) = decide(&lane, &limits, NOW) else { panic!("must wait") };
            assert_eq!(waiting.until, None, "another step would change nothing: {}", waiting.detail);
        }
    }

    #[test]
    fn an_unreadable_quota_says_why() {
        let fault = Failure::new(ErrorClass::Auth, "AuthFailure.SecretIdNotFound", "no such key");
        let limits = AccountLimits { quota_fault: Some(fault), ..limits(20, vec![PoolAvailability::ReadingStale]) };
        let Decision::AskQuota(waiting) = decide(&lane(1, 0), &limits, NOW) else { panic!("must ask") };
        assert_eq!(waiting.reason, WaitingReason::AccountPaused);
        assert!(waiting.detail.contains("AuthFailure.SecretIdNotFound"), "{}", waiting.detail);
    }

    proptest! {
        #[test]
        fn a_grant_is_never_above_batch_pool_or_due_and_never_missing_while_the_lane_may_send(
            (urgent, others) in (0u64..3_000, 0u64..100_000), (count, stored) in (1u64..20_000, 0u64..2_000),
            batch in 1u32..2000, tokens in 0u32..21, in_flight in 0u32..20,
        ) {
            prop_assume!(urgent + others > 0);
            let lane = LaneLoad { urgent, others, batch_max: 1000, in_flight, paused: None };
            let open = count.saturating_sub(stored);
            let pool = PoolAvailability::Available { targets: count, others: open, batch };
            match decide(&lane, &limits(tokens, vec![pool]), NOW) {
                Decision::Send { targets_max, others_max } => {
                    let (most, rest) = (u64::from(targets_max), u64::from(others_max));
                    prop_assert!(tokens > 0 && in_flight < IN_FLIGHT_MAX);
                    prop_assert!(most > 0 && most <= count.min(urgent + others) && targets_max <= batch.min(1000));
                    prop_assert!(rest <= open.min(others), "law 3: the reserve is for urgent work");
                    prop_assert_eq!(most, count.min(u64::from(batch.min(1000))).min(urgent + open.min(others)), "all that may be sent");
                }
                _ => prop_assert!(tokens == 0 || in_flight >= IN_FLIGHT_MAX || (urgent == 0 && open == 0)),
            }
        }
    }
}
