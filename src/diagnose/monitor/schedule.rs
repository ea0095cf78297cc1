//! When the monitor runs: at the start, and then every so often, a little earlier or later each time so that many daemons do
//! not ask together.

use std::time::Duration;

use crate::domain::Timestamp;

/// Share of the interval by which a round may come early or late.
const JITTER: f64 = 0.1;

pub(super) struct Schedule {
    every: Duration,
    next_at: Option<Timestamp>,
}

impl Schedule {
    pub(super) const fn new(every: Duration) -> Self {
        Self { every, next_at: None }
    }

    pub(super) fn next_at(&self, now: Timestamp) -> Timestamp {
        self.next_at.unwrap_or(now)
    }

    /// A round has ended at `now`; `jitter` is in `0.0..1.0`.
    pub(super) fn walked(&mut self, now: Timestamp, jitter: f64) {
        self.next_at = Some(now + self.every.mul_f64(1.0 + JITTER * (2.0 * jitter - 1.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_at_the_start_and_then_about_every_so_often() {
        let now = Timestamp::from_millis(1_795_341_600_000);
        let mut rounds = Schedule::new(Duration::from_secs(3600));
        assert_eq!(rounds.next_at(now), now);
        for (jitter, secs) in [(0.0, 3240), (0.5, 3600), (0.999_999_999, 3959)] {
            rounds.walked(now, jitter);
            assert_eq!(rounds.next_at(now).since(now).as_secs(), secs);
        }
    }
}
