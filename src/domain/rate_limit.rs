//! A token bucket that keeps calls within the provider's rate (law 3), whatever the network delays.
//!
//! A call takes a token when it is sent, and returns it one second after its *answer*. The call reached the provider before
//! the answer, so no second at the provider has more calls than the limit, whenever they arrive.

use std::collections::VecDeque;
use std::time::Duration;

use super::Timestamp;

/// Calls per second that the provider allows for one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub u32);

/// The window of the limit, and a millisecond because clocks tick in milliseconds.
const WINDOW: Duration = Duration::from_millis(1_001);
/// After a throttle answer nothing is sent for so long.
const THROTTLE_PAUSE: Duration = Duration::from_secs(2);
/// However many calls are throttled, the rate is halved at most once in this time.
const HALVING_INTERVAL: Duration = Duration::from_secs(1);
/// One call per second is regained in this time.
const REGAIN_INTERVAL: Duration = Duration::from_secs(10);

/// The token bucket of one action of one account.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    limit: u32,
    /// Calls per second allowed now: the limit, or less after throttling.
    rate: u32,
    in_flight: u32,
    /// When the latest calls were answered, oldest first; only those within the window matter.
    answered: VecDeque<Timestamp>,
    paused_until: Timestamp,
    changed_at: Timestamp,
}

impl RateLimiter {
    /// A bucket without tokens: an earlier process may have been killed right after a burst, and the provider counts its calls
    /// too. Costs one second after a start.
    #[must_use]
    pub fn after_start(limit: RateLimit, now: Timestamp) -> Self {
        Self {
            limit: limit.0,
            rate: limit.0,
            in_flight: 0,
            answered: std::iter::repeat_n(now, limit.0 as usize).collect(),
            paused_until: now,
            changed_at: now,
        }
    }

    /// How many calls may be sent at `now`.
    #[must_use]
    pub fn tokens(&self, now: Timestamp) -> u32 {
        if now < self.paused_until {
            return 0;
        }
        let recent = self.answered.iter().filter(|at| now.since(**at) < WINDOW).count();
        let used = self.in_flight.saturating_add(u32::try_from(recent).unwrap_or(u32::MAX));
        self.rate_at(now).saturating_sub(used)
    }

    /// Takes a token for a call that is sent now. The caller has checked that `tokens(now) > 0`.
    pub fn take(&mut self, now: Timestamp) {
        assert!(self.tokens(now) > 0, "a call without a token would break the provider's limit");
        self.in_flight += 1;
    }

    /// Returns a token at once, because no call was made.
    pub const fn put_back(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Returns the token of a call that was answered, failed or was never sent.
    pub fn give_back(&mut self, now: Timestamp) {
        self.in_flight = self.in_flight.saturating_sub(1);
        while self.answered.front().is_some_and(|at| now.since(*at) >= WINDOW) {
            self.answered.pop_front();
        }
        self.answered.push_back(now);
    }

    /// Slows down after a throttle answer.
    pub fn throttle(&mut self, now: Timestamp) {
        let rate = self.rate_at(now);
        if rate == self.limit || now.since(self.changed_at) >= HALVING_INTERVAL {
            self.rate = (rate / 2).max(1);
            self.changed_at = now;
        }
        self.paused_until = now + THROTTLE_PAUSE;
    }

    /// Whether the rate is still lower because of a throttle answer.
    #[must_use]
    pub fn is_throttled(&self, now: Timestamp) -> bool {
        self.rate_at(now) < self.limit
    }

    /// Calls per second allowed at `now`.
    #[must_use]
    pub fn rate_at(&self, now: Timestamp) -> u32 {
        let regained = now.since(self.changed_at).as_millis() / REGAIN_INTERVAL.as_millis();
        self.rate.saturating_add(u32::try_from(regained).unwrap_or(u32::MAX)).min(self.limit)
    }

    /// When a token may next be free, if no call is answered before. `None` while only answers can free one.
    #[must_use]
    pub fn next_token(&self, now: Timestamp) -> Option<Timestamp> {
        if self.tokens(now) > 0 {
            return Some(now);
        }
        let freed = self.answered.iter().map(|at| *at + WINDOW).find(|at| *at > now);
        if now < self.paused_until {
            Some(freed.map_or(self.paused_until, |at| at.max(self.paused_until)))
        } else {
            freed
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn idle(limit: u32) -> (RateLimiter, Timestamp) {
        (RateLimiter::after_start(RateLimit(limit), START), START + Duration::from_secs(60))
    }

    #[test]
    fn a_restarted_bucket_remembers_what_was_sent() {
        let limiter = RateLimiter::after_start(RateLimit(20), START);
        assert_eq!(limiter.tokens(START), 0);
        assert_eq!(limiter.tokens(START + Duration::from_secs(1)), 0);
        assert_eq!(limiter.next_token(START), Some(START + WINDOW));
        assert_eq!(limiter.tokens(START + WINDOW), 20);
    }

    #[test]
    fn throttling_halves_once_a_second_and_regains_one_call_every_ten() {
        let (mut limiter, now) = idle(20);
        limiter.throttle(now);
        limiter.throttle(now + Duration::from_millis(10));
        assert_eq!(limiter.rate_at(now), 10);
        assert_eq!(limiter.tokens(now + Duration::from_millis(1_999)), 0);
        assert_eq!(limiter.tokens(now + Duration::from_millis(2_011)), 10);
        assert_eq!(limiter.rate_at(now + Duration::from_secs(30)), 13);
        for second in 2..20 {
            limiter.throttle(now + Duration::from_secs(second));
        }
        assert_eq!(limiter.rate_at(now + Duration::from_secs(20)), 1);
        assert!(!limiter.is_throttled(now + Duration::from_secs(600)));
    }

    proptest! {
        /// Calls arrive anywhere between leaving and being answered; no second at the provider sees more than the limit.
        #[test]
        fn limits_hold_at_the_providers_door(
            steps in prop::collection::vec((0u64..400, 0u64..300, 0.0..=1.0f64), 1..200),
            limit in 1u32..8,
        ) {
            let (mut limiter, mut now) = idle(limit);
            let mut arrivals = Vec::new();
            let mut open: Vec<Timestamp> = Vec::new();
            for (gap, latency, arrival) in steps {
                now = now + Duration::from_millis(gap);
                open.sort();
                while open.first().is_some_and(|at| *at <= now) {
                    limiter.give_back(open.remove(0));
                }
                if limiter.tokens(now) > 0 {
                    limiter.take(now);
                    arrivals.push(now + Duration::from_millis(latency).mul_f64(arrival));
                    open.push(now + Duration::from_millis(latency));
                }
            }
            arrivals.sort();
            for pair in arrivals.windows(limit as usize + 1) {
                prop_assert!(pair[limit as usize].since(pair[0]) >= Duration::from_secs(1), "{pair:?}");
            }
        }
    }
}
