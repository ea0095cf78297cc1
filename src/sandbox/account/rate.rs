//! Call rates: how many calls of one action a second brings, and for whom they are counted together.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::sandbox::wire::{RateRule, RateScope};

const SECOND_MILLIS: i64 = 1000;

/// One rate for each action, or for each action and key.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    rates: HashMap<(String, String), ActionRate>,
}

impl Rates {
    /// Counts a call if it may pass. A refused call uses nothing up.
    pub(crate) fn take(&mut self, call: &RatedCall<'_>, limit: u32, now: Timestamp) -> bool {
        let key = match call.scope {
            RateScope::Account => String::new(),
            RateScope::SecretId => call.secret_id.to_owned(),
        };
        let rate = self.rates.entry((key, call.action.to_owned())).or_insert_with(|| ActionRate::full(limit, now));
        match call.rule {
            RateRule::Bucket => rate.take_token(limit, now),
            RateRule::Window => rate.take_in_window(limit, now),
        }
    }
}

pub(crate) struct RatedCall<'a> {
    pub(crate) action: &'a str,
    pub(crate) secret_id: &'a str,
    pub(crate) rule: RateRule,
    pub(crate) scope: RateScope,
}

/// Keeps both counts, so that the rule can be switched while the sandbox runs.
#[derive(Debug)]
struct ActionRate {
    /// Thousandths of a call: at a limit of 20 a second, 20 of them come back each millisecond.
    tokens_milli: i64,
    refilled_at: Timestamp,
    window_second: i64,
    window_calls: u32,
}

impl ActionRate {
    fn full(limit: u32, now: Timestamp) -> Self {
        Self {
            tokens_milli: i64::from(limit) * SECOND_MILLIS,
            refilled_at: now,
            window_second: now.as_secs(),
            window_calls: 0,
        }
    }

    fn take_token(&mut self, limit: u32, now: Timestamp) -> bool {
        let limit = i64::from(limit);
        let elapsed = (now.as_millis() - self.refilled_at.as_millis()).clamp(0, SECOND_MILLIS);
        self.tokens_milli = (self.tokens_milli + elapsed * limit).min(limit * SECOND_MILLIS);
        self.refilled_at = now;
        if self.tokens_milli < SECOND_MILLIS {
            return false;
        }
        self.tokens_milli -= SECOND_MILLIS;
        true
    }

    fn take_in_window(&mut self, limit: u32, now: Timestamp) -> bool {
        if self.window_second != now.as_secs() {
            self.window_second = now.as_secs();
            self.window_calls = 0;
        }
        if self.window_calls >= limit {
            return false;
        }
        self.window_calls += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn count_passed(rates: &mut Rates, rule: RateRule, calls: usize, now: Timestamp) -> usize {
        let call = RatedCall { action: "PurgeUrlsCache", secret_id: "AKID", rule, scope: RateScope::Account };
        (0..calls).filter(|_| rates.take(&call, 20, now)).count()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_pace() {
        let mut rates = Rates::default();
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 30, START), 20);
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 30, START + Duration::from_millis(49)), 0);
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 30, START + Duration::from_millis(50)), 1);
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 30, START + Duration::from_millis(550)), 10);
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 30, START + Duration::from_secs(60)), 20);
    }

    #[test]
    fn a_bucket_saves_up_no_more_than_its_burst() {
        let mut rates = Rates::default();
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 1, START), 1);
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 60, START + Duration::from_secs(60)), 20);
    }

    #[test]
    fn a_window_starts_anew_with_each_second() {
        let mut rates = Rates::default();
        let late = START + Duration::from_millis(990);
        assert_eq!(count_passed(&mut rates, RateRule::Window, 30, late), 20);
        assert_eq!(count_passed(&mut rates, RateRule::Window, 30, late + Duration::from_millis(9)), 0);
        assert_eq!(count_passed(&mut rates, RateRule::Window, 30, late + Duration::from_millis(10)), 20);
    }

    #[test]
    fn actions_are_counted_apart_and_keys_only_if_told_so() {
        let mut rates = Rates::default();
        assert_eq!(count_passed(&mut rates, RateRule::Bucket, 20, START), 20);
        let mut call = RatedCall { action: "X", secret_id: "AKID", rule: RateRule::Bucket, scope: RateScope::Account };
        assert!(rates.take(&call, 20, START));
        call.action = "PurgeUrlsCache";
        call.secret_id = "AKIDother";
        assert!(!rates.take(&call, 20, START));
        call.scope = RateScope::SecretId;
        assert!(rates.take(&call, 20, START));
    }
}
