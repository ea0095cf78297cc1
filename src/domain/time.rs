//! Moments and provider days. A `Timestamp` is always an argument: no rule reads a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

/// Milliseconds since the UNIX epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// The provider's day: quotas are counted from one local midnight to the next, in a zone without summer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceDay {
    offset_millis: i64,
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

impl ServiceDay {
    /// Days that begin at 00:00 in the zone `hours` east of UTC.
    #[must_use]
    pub const fn east_of_utc(hours: i64) -> Self {
        Self { offset_millis: hours * 60 * 60 * 1000 }
    }

    /// The last midnight at or before `now`.
    #[must_use]
    pub const fn start(self, now: Timestamp) -> Timestamp {
        let local = now.0 + self.offset_millis;
        Timestamp(local - local.rem_euclid(DAY_MILLIS) - self.offset_millis)
    }

    /// The first midnight after `now`.
    #[must_use]
    pub const fn next_reset(self, now: Timestamp) -> Timestamp {
        Timestamp(self.start(now).0 + DAY_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_day_turns_at_16_utc() {
        let beijing = ServiceDay::east_of_utc(8);
        // 2026-11-22 15:59:59.999 and 16:00:00 UTC.
        let before = Timestamp::from_millis(1_795_363_199_999);
        let after = Timestamp::from_millis(1_795_363_200_000);
        assert_eq!(beijing.next_reset(before), after);
        assert_eq!(beijing.start(after), after);
        assert_eq!(beijing.start(before), after - Duration::from_secs(24 * 3600));
        assert_eq!(beijing.next_reset(after), after + Duration::from_secs(24 * 3600));
    }

    #[test]
    fn a_future_moment_is_no_time_ago() {
        let now = Timestamp::from_millis(5);
        assert_eq!(now.since(Timestamp::from_millis(9)), Duration::ZERO);
        assert_eq!(now.since(Timestamp::from_millis(2)), Duration::from_millis(3));
    }
}
