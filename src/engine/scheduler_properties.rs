//! The scheduler's promises over a minute of calls: rate limiter, pools and decisions together, as the submitter combines them,
//! with slow answers. No store, no provider, no clock.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::scheduler::AccountLimits;
use super::scheduler::{Decision, IN_FLIGHT_MAX, LaneLoad, decide};
use crate::domain::{
    Area, ItemOperation, Pool, PoolAvailability, PoolName, PoolReading, RateLimit, RateLimiter, Reserve, TargetKind,
    Timestamp,
};

const START: Timestamp = Timestamp::from_millis(3_600_000);
/// Far from `START`.
const RESET: Timestamp = Timestamp::from_millis(86_400_000);
const DAY: Timestamp = Timestamp::from_millis(0);

/// What a provider allows, and a lane has to send.
#[derive(Debug, Clone)]
struct Terms {
    urgent: u64,
    others: u64,
    batch: u32,
    rate: u32,
    /// What is left of each pool that the lane uses.
    pool_targets: Vec<u64>,
    total: u64,
    reserve: f64,
}

#[derive(Debug, Default)]
struct ExpectedSends {
    /// When each call was sent, with how many urgent and other targets.
    calls: Vec<(Timestamp, u64, u64)>,
    in_flight_most: usize,
}

fn terms() -> impl Strategy<Value = Terms> {
    (
        (0u64..3_000, 0u64..6_000),
        1u32..1_000,
        1u32..21,
        prop::collection::vec(1u64..10_000, 1..3),
        prop_oneof![Just(0.0), 0.0..0.5f64],
    )
        .prop_map(|((urgent, others), batch, rate, remaining, reserve)| Terms {
            urgent,
            others,
            batch,
            rate,
            pool_targets: remaining,
            total: 10_000,
            reserve,
        })
        .prop_filter("something is due", |terms| terms.urgent + terms.others > 0)
}

/// Sends what the scheduler allows, for a minute. Answers take `latencies` in turn.
fn simulate(terms: &Terms, latencies: &[u64]) -> ExpectedSends {
    let mut now = START + Duration::from_secs(5);
    let mut limiter = RateLimiter::after_start(RateLimit(terms.rate), START);
    let mut pools: Vec<Pool> = terms.pool_targets.iter().map(|count| pool(terms, *count, now)).collect();
    let (mut urgent, mut others) = (terms.urgent, terms.others);
    let mut open: VecDeque<Timestamp> = VecDeque::new();
    let mut sends = ExpectedSends::default();
    for round in 0..20_000 {
        open.make_contiguous().sort();
        while open.front().is_some_and(|at| *at <= now) {
            open.pop_front();
            limiter.give_back(now);
        }
        let lane = LaneLoad { urgent, others, batch_max: 1_000, in_flight: open.len() as u32, paused: None };
        let decision = decide(&lane, &limits(terms, &pools, &limiter, open.len(), now), now);
        if urgent + others == 0 {
            break;
        }
        let until = match decision {
            Decision::Send { targets_max, others_max } => {
                limiter.take(now);
                let first = urgent.min(u64::from(targets_max));
                let rest = others.min(u64::from(targets_max) - first).min(u64::from(others_max));
                assert!(first + rest > 0, "a call that carries nothing was let go: {lane:?}");
                (urgent, others) = (urgent - first, others - rest);
                pools.iter_mut().for_each(|pool| pool.spend(first + rest));
                sends.calls.push((now, first, rest));
                open.push_back(now + Duration::from_millis(latencies[round % latencies.len()]));
                sends.in_flight_most = sends.in_flight_most.max(open.len());
                continue;
            }
            Decision::Wait(waiting) | Decision::AskQuota(waiting) => waiting.until,
        };
        // A wait has an end, or an answer ends it.
        let Some(next) = open.front().copied().into_iter().chain(until).filter(|at| *at > now).min() else {
            panic!("nothing would ever leave: {urgent} and {others} of {terms:?} after {:?}", sends.calls.len());
        };
        now = next;
        if now.since(START) > Duration::from_secs(65) {
            break;
        }
    }
    sends
}

fn pool(terms: &Terms, count: u64, now: Timestamp) -> Pool {
    let mut pool = Pool::new(0, 0, DAY);
    let reading = PoolReading {
        name: PoolName("pool".to_owned()),
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        area: Area::Mainland,
        total: terms.total,
        available: count,
        batch: terms.batch,
    };
    pool.read(reading, DAY, now);
    pool
}

fn limits(terms: &Terms, pools: &[Pool], limiter: &RateLimiter, open: usize, now: Timestamp) -> AccountLimits {
    let availability = |pool: &Pool| pool.availability(Reserve(terms.reserve), DAY, RESET, now);
    let pools = pools.iter().enumerate().map(|(n, pool)| (PoolName(n.to_string()), availability(pool)));
    AccountLimits {
        pause: None,
        probing: false,
        open_calls: open as u32,
        tokens: limiter.tokens(now),
        next_token: limiter.next_token(now),
        throttled: false,
        pools: pools.collect(),
        quota_fault: None,
        reset: RESET,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_course_is_above_batch_rate_calls_in_flight_or_pools_less_what_is_kept(
        terms in terms(), latencies in prop::collection::vec(1u64..2_500, 1..8),
    ) {
        let sends = simulate(&terms, &latencies);
        let least_left = terms.pool_targets.iter().min().copied().unwrap_or_default();
        let reserved = (terms.total as f64 * terms.reserve).floor() as u64;
        let (mut sent, mut window) = (0, VecDeque::new());
        for (at, urgent, others) in &sends.calls {
            prop_assert!(urgent + others > 0 && urgent + others <= u64::from(terms.batch));
            let open = least_left.saturating_sub(sent).saturating_sub(reserved);
            prop_assert!(*others <= open, "law 3: the reserve is for urgent work");
            sent += urgent + others;
            prop_assert!(sent <= least_left, "law 3: {} of {} are spent", sent, least_left);
            window.push_back(*at);
            while window.front().is_some_and(|first: &Timestamp| at.since(*first) >= Duration::from_secs(1)) {
                window.pop_front();
            }
            prop_assert!(window.len() <= terms.rate as usize, "law 3: {} calls within a second", window.len());
        }
        prop_assert!(sends.in_flight_most <= IN_FLIGHT_MAX as usize);
    }

    /// All that the pools hold for it leaves, and the first call leaves at once.
    #[test]
    fn no_course_stands_still_while_something_may_leave(terms in terms()) {
        let sends = simulate(&terms, &[50]);
        let least_left = terms.pool_targets.iter().min().copied().unwrap_or_default();
        let reserved = (terms.total as f64 * terms.reserve).floor() as u64;
        let calls = (terms.urgent + terms.others).div_ceil(u64::from(terms.batch));
        prop_assume!(calls <= u64::from(terms.rate) * 40);
        let (urgent, others) =
            sends.calls.iter().fold((0, 0), |sum, (_, urgent, others)| (sum.0 + urgent, sum.1 + others));
        prop_assert_eq!(urgent, terms.urgent.min(least_left));
        let remaining = least_left - urgent - others;
        prop_assert!(others == terms.others || remaining <= reserved, "{} could have been sent, and {} are left", terms.others, remaining);
    }

    #[test]
    fn what_is_all_due_leaves_in_as_few_calls_as_can_be(
        due in 1u64..9_000, batch in 1u32..1_000, rate in 1u32..21, latency in 1u64..2_000,
    ) {
        prop_assume!(due.div_ceil(u64::from(batch)) <= u64::from(rate) * 15);
        let terms = Terms { urgent: 0, others: due, batch, rate, pool_targets: vec![10_000], total: 10_000, reserve: 0.05 };
        let sends = simulate(&terms, &[latency]);
        prop_assert_eq!(sends.calls.len() as u64, due.div_ceil(u64::from(batch)));
    }
}

#[test]
fn a_spent_pool_is_told_from_one_that_is_kept() {
    let terms =
        Terms { urgent: 0, others: 5, batch: 10, rate: 20, pool_targets: vec![400], total: 10_000, reserve: 0.05 };
    let pool = pool(&terms, 400, START);
    assert_eq!(
        pool.availability(Reserve(terms.reserve), DAY, RESET, START),
        PoolAvailability::Available { targets: 400, others: 0, batch: 10 }
    );
    assert!(simulate(&terms, &[10]).calls.is_empty(), "only urgent targets use the reserve");
}
