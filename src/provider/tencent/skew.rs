//! How far the provider's clock is from ours, learnt from the `Date` of its answers, and used only where it matters.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::header::DATE;

use crate::domain::Timestamp;

/// A smaller difference is the network and the header's whole seconds; the provider tolerates 300 s ("Signature v3").
const SKEW_IGNORED: Duration = Duration::from_secs(60);

/// The provider's clock minus ours.
#[derive(Debug, Default)]
pub(super) struct Skew {
    millis: AtomicI64,
    is_known: AtomicBool,
}

impl Skew {
    /// Takes in the date of an answer that came at `now`; an answer without a date teaches nothing.
    pub(super) fn update(&self, headers: &HeaderMap, now: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(date) = date {
            self.millis.store(date.as_millisecond().saturating_sub(now.as_millis()), Ordering::Relaxed);
            self.is_known.store(true, Ordering::Relaxed);
        }
    }

    /// The provider's clock minus ours, as its last answer told it, in milliseconds.
    pub(super) fn offset(&self) -> i64 {
        self.millis.load(Ordering::Relaxed)
    }

    /// The same; none: no answer has told it.
    pub(super) fn millis(&self) -> Option<i64> {
        self.is_known.load(Ordering::Relaxed).then(|| self.offset())
    }

    /// What to add to our clock before signing.
    pub(super) fn correction(&self) -> i64 {
        let millis = self.millis.load(Ordering::Relaxed);
        if u128::from(millis.unsigned_abs()) > SKEW_IGNORED.as_millis() { millis } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-22 16:00:00 UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_795_363_200_000);

    fn correction(dates: &[&str]) -> i64 {
        let skew = Skew::default();
        for date in dates {
            let headers = HeaderMap::from_iter([(DATE, date.parse().expect("a header"))]);
            skew.update(&headers, NOW);
        }
        skew.correction()
    }

    #[test]
    fn only_more_than_a_minute_is_corrected() {
        assert_eq!(correction(&["Sun, 22 Nov 2026 16:01:00 GMT"]), 0);
        assert_eq!(correction(&["Sun, 22 Nov 2026 16:01:01 GMT"]), 61_000);
        assert_eq!(correction(&["Sun, 22 Nov 2026 15:50:00 GMT"]), -600_000);
    }

    #[test]
    fn what_was_not_told_is_not_zero() {
        let skew = Skew::default();
        skew.update(&HeaderMap::new(), NOW);
        assert_eq!(skew.millis(), None);
        skew.update(&HeaderMap::from_iter([(DATE, "Sun, 22 Nov 2026 16:00:01 GMT".parse().expect("a header"))]), NOW);
        assert_eq!(skew.millis(), Some(1_000));
    }

    #[test]
    fn a_mended_clock_is_noticed_and_nonsense_is_not() {
        assert_eq!(correction(&["Sun, 22 Nov 2026 17:00:00 GMT", "Sun, 22 Nov 2026 16:00:00 GMT"]), 0);
        assert_eq!(correction(&["Sun, 22 Nov 2026 17:00:00 GMT", "yesterday"]), 3_600_000);
    }
}
