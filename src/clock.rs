//! The only module that reads the machine's clock. All others get a `Timestamp` or a `Clock`.
#![expect(clippy::disallowed_methods, reason = "this module is the clock")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::domain::Timestamp;

/// Reads the time, and waits for a time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Returns once `now()` is at or past `moment`.
    async fn sleep_until(&self, moment: Timestamp);

    /// Returns `span` later by this clock.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

/// The machine's clock, but never backwards. If a person sets the machine's clock back, this one runs at half speed until the
/// two are equal again: if it stopped for an hour, every call would wait for an hour.
#[derive(Debug, Default)]
pub struct SystemClock(Mutex<Option<ClockReading>>);

/// The last reading.
#[derive(Debug, Clone, Copy)]
struct ClockReading {
    moment: Timestamp,
    /// By the monotonic clock.
    at: Instant,
}

impl ClockReading {
    /// The next reading; `machine` is the machine's clock.
    fn next(self, machine: Timestamp, at: Instant) -> Self {
        let slow = self.moment + at.duration_since(self.at) / 2;
        if machine >= self.moment {
            Self { moment: machine, at }
        } else if slow > self.moment {
            Self { moment: slow, at }
        } else {
            // Keep the reading, so that half a millisecond is not lost between two calls.
            self
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let machine = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        let next = reading.map_or(ClockReading { moment: machine, at }, |last| last.next(machine, at));
        *reading = Some(next);
        next.moment
    }

    async fn sleep_until(&self, moment: Timestamp) {
        // A machine's clock can be set back while we sleep: look again, and never sleep long in one piece.
        loop {
            let duration = moment.since(self.now());
            if duration.is_zero() {
                return;
            }
            tokio::time::sleep(duration.min(Duration::from_secs(60))).await;
        }
    }
}

/// A clock that only `advance` moves; sleepers wake when it passes their time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    moment: Arc<watch::Sender<Timestamp>>,
    /// Until when each sleeper sleeps.
    sleepers: Arc<Mutex<Vec<Timestamp>>>,
}

impl ManualClock {
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { moment: Arc::new(watch::Sender::new(start)), sleepers: Arc::default() }
    }

    /// Moves the clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.moment.send_modify(|moment| *moment = *moment + span);
    }

    /// The times that sleepers wait for, earliest first: a task that only sleeps does nothing before.
    #[must_use]
    pub fn awaited(&self) -> Vec<Timestamp> {
        let now = self.now();
        let mut awaited: Vec<Timestamp> = self.sleepers().iter().copied().filter(|moment| *moment > now).collect();
        awaited.sort_unstable();
        awaited
    }

    fn sleepers(&self) -> MutexGuard<'_, Vec<Timestamp>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.moment.borrow()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let mut moments = self.moment.subscribe();
        let _asleep = Sleeper::on(self, moment);
        // The sender lives in `self`, so the wait cannot fail.
        let _ = moments.wait_for(|now| *now >= moment).await;
    }
}

/// A sleeper of a manual clock, for as long as it is asked to wait.
struct Sleeper<'a> {
    clock: &'a ManualClock,
    until: Timestamp,
}

impl<'a> Sleeper<'a> {
    fn on(clock: &'a ManualClock, until: Timestamp) -> Self {
        clock.sleepers().push(until);
        Self { clock, until }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.clock.sleepers();
        if let Some(place) = sleepers.iter().position(|until| *until == self.until) {
            sleepers.swap_remove(place);
        }
    }
}

/// Measures a duration, for figures and for the timeouts of connections. The engine decides by a `Clock`, which a test can move.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_goes_on_at_half_speed_until_it_is_caught_up() {
        let moment = Timestamp::from_millis;
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let reading = ClockReading { moment: moment(100_000), at: start };
        let set_back = reading.next(moment(90_000), start + second * 4);
        assert_eq!(set_back.moment, moment(102_000));
        assert_eq!(set_back.next(moment(91_000), start + second * 4).moment, moment(102_000), "never backwards");
        assert_eq!(set_back.next(moment(103_000), start + second * 5).moment, moment(103_000), "caught up");
        assert_eq!(reading.next(moment(900_000), start).moment, moment(900_000), "forwards it is followed at once");
    }
}
