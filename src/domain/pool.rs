//! A pool: one day-quota counter of the provider, by our own ledger and the provider's last reading. The smaller of the two
//! counts (law 3), because the console and other tools use the same pool.

use std::fmt;
use std::time::Duration;

use super::{Area, ItemOperation, TargetKind, Timestamp};

/// The provider's name of a pool; opaque to everyone above it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolName(pub String);

impl fmt::Display for PoolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What the provider says of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolReading {
    pub name: PoolName,
    pub operation: ItemOperation,
    pub kind: TargetKind,
    pub area: Area,
    /// Targets a day.
    pub total: u64,
    /// Targets left today.
    pub available: u64,
    /// Targets in one call.
    pub batch: u32,
}

/// What a lane may take from a pool now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolAvailability {
    /// So many targets, of which so many may be other than urgent, at most so many in one call.
    Available { targets: u64, others: u64, batch: u32 },
    /// The quota has to be read first.
    ReadingStale,
    /// Nothing is left until the reset.
    Exhausted { until: Timestamp },
}

/// The share of a pool's total that only urgent work may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reserve(pub f64);

impl Reserve {
    /// So long before the reset the reserve is released to all items: unused quota would be lost.
    pub const RELEASED_BEFORE_RESET: Duration = Duration::from_secs(15 * 60);

    /// Targets that are reserved for urgent items at `now`.
    #[must_use]
    pub fn of(self, total: u64, reset: Timestamp, now: Timestamp) -> u64 {
        if now >= reset - Self::RELEASED_BEFORE_RESET { 0 } else { (total as f64 * self.0).floor() as u64 }
    }
}

/// How old the last reading may be.
const READING_AGE_MAX: Duration = Duration::from_secs(600);
/// How old it may be where a submission would take the pool under a fifth of its total.
const READING_AGE_MAX_WHEN_LOW: Duration = Duration::from_secs(60);

/// One day-quota counter.
#[derive(Debug, Clone)]
pub struct Pool {
    reading: Option<(PoolReading, Timestamp)>,
    /// Used by us since the provider's day began.
    spent_today: u64,
    /// Used by us, and perhaps not counted in the reading.
    spent_since_reading: u64,
    /// Used by us since the reading that is under way started.
    spent_since_question: u64,
    /// Used by us in calls without an answer.
    in_flight: u64,
    day_started: Timestamp,
    /// The provider said that the day's quota is spent.
    exhausted_at: Option<Timestamp>,
}

impl Pool {
    /// A pool without a reading, with what our own rows have used since `day_started`, and how much of that has no answer yet.
    #[must_use]
    pub const fn new(spent_today: u64, in_flight: u64, day_started: Timestamp) -> Self {
        Self {
            reading: None,
            spent_today,
            // The reading may not include calls without an answer.
            spent_since_reading: in_flight,
            spent_since_question: in_flight,
            in_flight,
            day_started,
            exhausted_at: None,
        }
    }

    /// What may be taken at `now`; `day_start` and `reset` are the bounds of the provider's day around `now`.
    #[must_use]
    pub fn availability(
        &self,
        reserve: Reserve,
        day_start: Timestamp,
        reset: Timestamp,
        now: Timestamp,
    ) -> PoolAvailability {
        let Some((reading, read_at)) = &self.reading else { return PoolAvailability::ReadingStale };
        // After the reset the quota is read before anything is sent: the total itself may have changed.
        if *read_at < day_start || self.day_started < day_start {
            return PoolAvailability::ReadingStale;
        }
        if self.exhausted_at.is_some() {
            return PoolAvailability::Exhausted { until: reset };
        }
        let age = now.since(*read_at);
        if age > READING_AGE_MAX {
            return PoolAvailability::ReadingStale;
        }
        let count = self.remaining(reading);
        let targets = if age > READING_AGE_MAX_WHEN_LOW { count.saturating_sub(reading.total / 5) } else { count };
        match (count, targets) {
            (0, _) => PoolAvailability::Exhausted { until: reset },
            (_, 0) => PoolAvailability::ReadingStale,
            _ => {
                let others = targets.min(count.saturating_sub(reserve.of(reading.total, reset, now)));
                PoolAvailability::Available { targets, others, batch: reading.batch }
            }
        }
    }

    fn remaining(&self, reading: &PoolReading) -> u64 {
        let by_ledger = reading.total.saturating_sub(self.spent_today);
        let by_provider = reading.available.saturating_sub(self.spent_since_reading);
        by_ledger.min(by_provider)
    }

    /// A reading starts: it may or may not include what is in flight, so that counts as used in addition.
    pub fn ask(&mut self) {
        self.spent_since_question = self.in_flight;
    }

    /// Stores the reading that was started last.
    pub fn read(&mut self, reading: PoolReading, day_start: Timestamp, now: Timestamp) {
        if self.day_started < day_start {
            // A call near midnight counts in both days that it touches.
            self.spent_today = self.in_flight;
            self.day_started = day_start;
            self.exhausted_at = None;
        }
        if reading.available > 0 && self.exhausted_at.is_some_and(|at| now.since(at) > READING_AGE_MAX_WHEN_LOW) {
            self.exhausted_at = None;
        }
        self.spent_since_reading = self.spent_since_question;
        self.reading = Some((reading, now));
    }

    /// Counts targets of a claim, before the call is made.
    pub const fn spend(&mut self, targets: u64) {
        self.spent_today += targets;
        self.spent_since_reading += targets;
        self.spent_since_question += targets;
        self.in_flight += targets;
    }

    /// The call was charged. A call whose answer was lost is in flight until its outcome is known.
    pub const fn charged(&mut self, targets: u64) {
        self.in_flight = self.in_flight.saturating_sub(targets);
    }

    /// The call was refused, not sent, or not done by the provider: nothing was charged.
    pub const fn unspend(&mut self, targets: u64) {
        self.in_flight = self.in_flight.saturating_sub(targets);
        self.spent_today = self.spent_today.saturating_sub(targets);
        self.spent_since_reading = self.spent_since_reading.saturating_sub(targets);
        self.spent_since_question = self.spent_since_question.saturating_sub(targets);
    }

    /// The provider refused a call because the day's quota is spent.
    pub const fn exhaust(&mut self, now: Timestamp) {
        self.exhausted_at = Some(now);
    }

    /// What is left by the smaller of our ledger and the provider's last reading; nothing before the first reading.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.reading
            .as_ref()
            .map_or(0, |(reading, _)| if self.exhausted_at.is_some() { 0 } else { self.remaining(reading) })
    }

    /// Used by us, on the day of the last reading.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.spent_today
    }

    /// When the provider said that the day quota is spent, if no later reading shows more.
    #[must_use]
    pub const fn exhausted_at(&self) -> Option<Timestamp> {
        self.exhausted_at
    }

    /// The last reading and its time.
    #[must_use]
    pub const fn reading(&self) -> Option<&(PoolReading, Timestamp)> {
        self.reading.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Timestamp = Timestamp::from_millis(0);
    const RESET: Timestamp = Timestamp::from_millis(86_400_000);
    const NOON: Timestamp = Timestamp::from_millis(43_200_000);
    const NONE: Reserve = Reserve(0.0);

    fn reading(total: u64, available: u64) -> PoolReading {
        PoolReading {
            name: PoolName("purge/url/mainland".to_owned()),
            operation: ItemOperation::Purge,
            kind: TargetKind::Url,
            area: Area::Mainland,
            total,
            available,
            batch: 1000,
        }
    }

    fn targets(pool: &Pool, now: Timestamp) -> Option<u64> {
        match pool.availability(NONE, DAY, RESET, now) {
            PoolAvailability::Available { targets, .. } => Some(targets),
            _ => None,
        }
    }

    #[test]
    fn nothing_goes_before_the_provider_was_asked() {
        assert_eq!(Pool::new(0, 0, DAY).availability(NONE, DAY, RESET, NOON), PoolAvailability::ReadingStale);
    }

    #[test]
    fn the_smaller_of_ledger_and_provider_allows() {
        let mut pool = Pool::new(300, 0, DAY);
        pool.read(reading(1000, 900), DAY, NOON);
        assert_eq!(targets(&pool, NOON), Some(700));
        pool.read(reading(1000, 100), DAY, NOON);
        assert_eq!(targets(&pool, NOON), Some(100));
        pool.spend(100);
        assert_eq!(pool.availability(NONE, DAY, RESET, NOON), PoolAvailability::Exhausted { until: RESET });
        pool.unspend(40);
        assert_eq!(targets(&pool, NOON), Some(40));
    }

    #[test]
    fn a_share_is_kept_for_urgent_work_until_shortly_before_the_reset() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1000, 300), DAY, NOON);
        let availability = |pool: &Pool, now| pool.availability(Reserve(0.05), DAY, RESET, now);
        assert_eq!(availability(&pool, NOON), PoolAvailability::Available { targets: 300, others: 250, batch: 1000 });
        pool.spend(260);
        assert_eq!(availability(&pool, NOON), PoolAvailability::Available { targets: 40, others: 0, batch: 1000 });
        pool.read(reading(1000, 300), DAY, RESET - Duration::from_secs(901));
        let at = |seconds| availability(&pool, RESET - Duration::from_secs(seconds));
        assert_eq!(at(901), PoolAvailability::Available { targets: 40, others: 0, batch: 1000 });
        assert_eq!(at(900), PoolAvailability::Available { targets: 40, others: 40, batch: 1000 });
    }

    #[test]
    fn what_is_in_flight_while_the_provider_is_asked_counts_against_its_answer() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1000, 1000), DAY, NOON);
        pool.spend(200);
        pool.ask();
        pool.spend(50);
        pool.charged(200);
        pool.read(reading(1000, 900), DAY, NOON);
        assert_eq!(targets(&pool, NOON), Some(650));
    }

    #[test]
    fn a_lost_call_counts_against_every_answer_until_it_is_known() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1100, 1100), DAY, NOON);
        pool.spend(100);
        pool.spend(500);
        pool.ask();
        // The provider had done neither when it answered; the first call's answer was lost, the second was accepted.
        pool.read(reading(1100, 1100), DAY, NOON);
        pool.charged(500);
        pool.unspend(100);
        assert_eq!(targets(&pool, NOON), Some(600));
        let mut restarted = Pool::new(100, 100, DAY);
        restarted.ask();
        restarted.read(reading(1100, 1100), DAY, NOON);
        assert_eq!(targets(&restarted, NOON), Some(1000));
    }

    #[test]
    fn an_old_answer_is_good_only_above_a_fifth() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1000, 500), DAY, NOON);
        assert_eq!(targets(&pool, NOON + Duration::from_secs(60)), Some(500));
        assert_eq!(targets(&pool, NOON + Duration::from_secs(61)), Some(300));
        pool.spend(300);
        assert_eq!(pool.availability(NONE, DAY, RESET, NOON + Duration::from_secs(61)), PoolAvailability::ReadingStale);
        assert_eq!(
            pool.availability(NONE, DAY, RESET, NOON + Duration::from_secs(601)),
            PoolAvailability::ReadingStale
        );
    }

    #[test]
    fn a_new_day_is_read_before_it_is_spent_and_counts_what_crossed_midnight() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1000, 1000), DAY, NOON);
        pool.spend(800);
        pool.charged(700);
        let (next_day, next_reset) = (RESET, RESET + Duration::from_secs(86_400));
        let morning = RESET + Duration::from_secs(1);
        assert_eq!(pool.availability(NONE, next_day, next_reset, morning), PoolAvailability::ReadingStale);
        pool.ask();
        pool.read(reading(1000, 1000), next_day, morning);
        assert_eq!(
            pool.availability(NONE, next_day, next_reset, morning),
            PoolAvailability::Available { targets: 900, others: 900, batch: 1000 }
        );
    }

    #[test]
    fn a_pool_that_the_provider_calls_spent_is_parked_until_the_reset() {
        let mut pool = Pool::new(0, 0, DAY);
        pool.read(reading(1000, 500), DAY, NOON);
        pool.exhaust(NOON);
        assert_eq!(pool.availability(NONE, DAY, RESET, NOON), PoolAvailability::Exhausted { until: RESET });
        // A person raised the quota: the next reading makes the pool available again.
        let later = NOON + Duration::from_secs(120);
        pool.read(reading(2000, 900), DAY, later);
        assert_eq!(targets(&pool, later), Some(900));
    }
}
