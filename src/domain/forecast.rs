//! When a pool runs out, and when a lane will have sent what is asked of it, if everything goes on as it does now. Guesses
//! for people: nothing is decided by them.

use std::time::Duration;

use super::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A guess for a moment farther away than this would say no more than "not soon".
const DAYS_MAX: u64 = 3650;

/// What was spent of a pool lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentUsage {
    pub targets: u64,
    /// Since when these are counted.
    pub since: Timestamp,
}

/// The moment at which `left` is spent if spending goes on as it did; none if that is not before the reset. What is spent
/// already does not run out any more: none.
#[must_use]
pub fn runs_out_at(count: u64, lately: RecentUsage, reset: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let span = now.since(lately.since).as_millis();
    if count == 0 || lately.targets == 0 || span == 0 {
        return None;
    }
    let lasts = u128::from(count) * span / u128::from(lately.targets);
    let at = now + Duration::from_millis(u64::try_from(lasts).ok()?);
    (at < reset).then_some(at)
}

/// A lane as a guess needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRate {
    /// Targets of one call.
    pub batch: u32,
    /// The pace of the lane's action.
    pub calls_per_second: u32,
    /// Nothing leaves before.
    pub from: Timestamp,
    /// None: nothing is counted by the day.
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

/// When the target in place `place` of a lane's line (0: the very next one) leaves. None if it never does at this course,
/// or so late that no guess is worth anything.
#[must_use]
pub fn estimated_send_time(place: u64, course: SendRate) -> Option<Timestamp> {
    let SendRate { batch, calls_per_second, from, quota } = course;
    if batch == 0 || calls_per_second == 0 {
        return None;
    }
    // Calls of one second leave together.
    let after = |start: Timestamp, place: u64| {
        start + Duration::from_secs(place / u64::from(batch) / u64::from(calls_per_second))
    };
    let Some(DailyBudget { remaining: count, daily, reset }) = quota else { return Some(after(from, place)) };
    if from < reset && place < count {
        return Some(after(from, place).min(reset));
    }
    // What is left today goes today, unless nothing leaves before the reset anyway.
    let rest = if from < reset { place - count } else { place };
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
            let lately = RecentUsage { targets: spent, since: NOW - span };
            assert_eq!(seconds(runs_out_at(count, lately, reset, NOW)), expected, "{case}");
        }
    }

    #[test]
    fn a_target_leaves_in_its_turn_today_or_on_the_day_that_has_room() {
        let day = 24 * 3600;
        let reset = NOW + Duration::from_secs(3600);
        let today = |count, daily| Some(DailyBudget { remaining: count, daily, reset });
        let late = reset + Duration::from_secs(60);
        for (case, place, batch, pace, from, quota, expected) in [
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
            let course = SendRate { batch, calls_per_second: pace, from, quota };
            assert_eq!(seconds(estimated_send_time(place, course)), expected, "{case}");
        }
    }
}
