//! Forecasts for people: when a pool runs out, and when a lane will have sent a target, at the present rate. Nothing is decided
//! by them.

use std::time::Duration;

use super::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A forecast further away than this would only say "not soon".
const DAYS_MAX: u64 = 3650;

/// What was used of a pool recently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentUsage {
    pub targets: u64,
    /// Since when these are counted.
    pub since: Timestamp,
}

/// When `count` is used up at the recent rate; none if that is not before the reset, or if nothing is left already.
#[must_use]
pub fn runs_out_at(count: u64, usage: RecentUsage, reset: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let span = now.since(usage.since).as_millis();
    if count == 0 || usage.targets == 0 || span == 0 {
        return None;
    }
    let lasts = u128::from(count) * span / u128::from(usage.targets);
    let at = now + Duration::from_millis(u64::try_from(lasts).ok()?);
    (at < reset).then_some(at)
}

/// A lane, for a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRate {
    /// Targets of one call.
    pub batch: u32,
    /// The rate of the lane's action.
    pub calls_per_second: u32,
    /// Nothing is sent before.
    pub from: Timestamp,
    /// None: the lane has no day quota.
    pub quota: Option<DailyBudget>,
}

/// What a lane may take from its pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyBudget {
    /// Before the reset.
    pub remaining: u64,
    /// On each day after it.
    pub daily: u64,
    pub reset: Timestamp,
}

/// When the target behind `ahead` others of its lane is sent. None if it never is at this rate, or too late for a forecast.
#[must_use]
pub fn estimated_send_time(ahead: u64, rate: SendRate) -> Option<Timestamp> {
    let SendRate { batch, calls_per_second, from, quota } = rate;
    if batch == 0 || calls_per_second == 0 {
        return None;
    }
    // Calls of one second are sent together.
    let after = |start: Timestamp, ahead: u64| {
        start + Duration::from_secs(ahead / u64::from(batch) / u64::from(calls_per_second))
    };
    let Some(DailyBudget { remaining: count, daily, reset }) = quota else { return Some(after(from, ahead)) };
    if from < reset && ahead < count {
        return Some(after(from, ahead).min(reset));
    }
    // What is left today is sent today, unless nothing is sent before the reset anyway.
    let rest = if from < reset { ahead - count } else { ahead };
    let days = rest.checked_div(daily).filter(|days| *days <= DAYS_MAX)?;
    let morning = reset.max(from) + DAY * u32::try_from(days).ok()?;
    Some(after(morning, rest % daily))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn seconds(at: Option<Timestamp>) -> Option<u64> {
        at.map(|at| at.since(NOW).as_secs())
    }

    #[test]
    fn a_pool_runs_out_at_the_rate_at_which_it_was_spent() {
        let hour = Duration::from_secs(3600);
        let reset = NOW + hour * 6;
        for (case, count, spent, span, expected) in [
            ("half of it in an hour", 1000, 1000, hour, Some(3600)),
            ("since the day began a minute ago", 100, 10, Duration::from_secs(60), Some(600)),
            ("not before the reset", 6000, 1000, hour, None),
            ("just before the reset", 5999, 1000, hour, Some(21596)),
            ("nobody spends", 1000, 0, hour, None),
            ("nothing is left to run out", 0, 1000, hour, None),
            ("the day began this moment", 1000, 10, Duration::ZERO, None),
            ("no figure is too large", u64::MAX, 1, hour, None),
        ] {
            let usage = RecentUsage { targets: spent, since: NOW - span };
            assert_eq!(seconds(runs_out_at(count, usage, reset, NOW)), expected, "{case}");
        }
    }

    #[test]
    fn a_target_leaves_in_its_turn_today_or_on_the_day_that_has_room() {
        let day = 24 * 3600;
        let reset = NOW + Duration::from_secs(3600);
        let today = |count, daily| Some(DailyBudget { remaining: count, daily, reset });
        let late = reset + Duration::from_secs(60);
        for (case, ahead, batch, calls, from, quota, expected) in [
            ("at once", 0, 1000, 20, NOW, None, Some(0)),
            ("with the calls of the first second", 19_999, 1000, 20, NOW, None, Some(0)),
            ("with those of the next", 20_000, 1000, 20, NOW, None, Some(1)),
            ("within what is left", 9_499, 1000, 20, NOW, today(9_500, 9_500), Some(0)),
            ("right after the reset", 9_500, 1000, 20, NOW, today(9_500, 9_500), Some(3600)),
            ("two days on", 9_500 + 9_500, 1000, 20, NOW, today(9_500, 9_500), Some(3600 + day)),
            ("nothing left today", 0, 1000, 20, NOW, today(0, 9_500), Some(3600)),
            ("not before tomorrow anyway", 0, 1000, 20, late, today(5, 9_500), Some(3660)),
            ("slow, but this day's", 7_300, 1, 1, NOW, today(9_000, 9_500), Some(3600)),
            ("a pool without anything", 0, 1000, 20, NOW, today(0, 0), None),
            ("no pace", 0, 1000, 0, NOW, None, None),
            ("in a thousand years", u64::MAX, 1000, 20, NOW, today(0, 1), None),
        ] {
            let rate = SendRate { batch, calls_per_second: calls, from, quota };
            assert_eq!(seconds(estimated_send_time(ahead, rate)), expected, "{case}");
        }
    }
}
