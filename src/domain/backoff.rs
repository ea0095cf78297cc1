//! How long to wait before trying again.

use std::time::Duration;

/// Exponential backoff with full jitter: the n-th wait is random between `first` and `first * 2^(n-1)`, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub max: Duration,
}

impl Backoff {
    /// The wait before the attempt after the `attempts`-th (from 1); `jitter` lies in `0.0..1.0`.
    #[must_use]
    pub fn wait(self, attempts: u32, jitter: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(30);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.max);
        let spread = ceiling.saturating_sub(self.first).mul_f64(jitter.clamp(0.0, 1.0));
        self.first.min(self.max) + spread
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_never_below_the_first_nor_above_the_longest(attempts in 0u32..1_000_000, jitter in 0.0..1.0f64) {
            let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };
            let wait = backoff.wait(attempts, jitter);
            prop_assert!(wait >= backoff.first && wait <= backoff.max);
        }
    }

    #[test]
    fn without_jitter_the_ceiling_doubles() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(60) };
        let longest: Vec<u64> = (1..=8).map(|n| backoff.wait(n, 1.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
