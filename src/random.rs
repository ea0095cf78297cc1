//! Chance: spread of waits, and ids that nobody else has. An argument like the clock, so that a simulated history can be repeated.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{DiagnosisId, JobId, Timestamp};

/// A source of random numbers; its clones share it. Not for secrets.
#[derive(Debug, Clone, Default)]
pub struct Random {
    /// How many numbers a seeded source has given, counted from the seed. None: the machine's own source.
    seeded: Option<Arc<AtomicU64>>,
}

impl Random {
    /// All numbers follow from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(AtomicU64::new(seed))) }
    }

    /// A number in `0.0..1.0`, for the spread of waits.
    #[must_use]
    pub fn jitter(&self) -> f64 {
        // 53 bits fill a double.
        (self.bits() as u64 & ((1 << 53) - 1)) as f64 / (1u64 << 53) as f64
    }

    /// A new job's public id: ordered by time, so that the index that it lives in grows at its end.
    #[must_use]
    pub fn job_id(&self, now: Timestamp) -> JobId {
        JobId::from_u128(self.id(now))
    }

    /// A new diagnosis's public id.
    #[must_use]
    pub fn diagnosis_id(&self, now: Timestamp) -> DiagnosisId {
        DiagnosisId::from_u128(self.id(now))
    }

    /// A UUID of version 7 (RFC 9562).
    fn id(&self, now: Timestamp) -> u128 {
        let millis = u64::try_from(now.as_millis()).unwrap_or_default();
        let bits = self.bits().to_be_bytes();
        let below_the_time = bits.last_chunk().expect("16 bytes end in 10");
        uuid::Builder::from_unix_timestamp_millis(millis, below_the_time).into_uuid().as_u128()
    }

    /// Random bits, but for those that tell version and variant of a UUID: jitter uses the 53 below them, and an id has its own.
    fn bits(&self) -> u128 {
        let Some(seeded) = &self.seeded else { return uuid::Uuid::new_v4().as_u128() };
        let number = seeded.fetch_add(1, Ordering::Relaxed);
        let half = |half: u8| {
            let mut hasher = DefaultHasher::new();
            (number, half).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        (half(0) << 64) | half(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_123);

    #[test]
    fn equal_seeds_give_equal_numbers_and_ids() {
        let draw = |random: &Random| (random.jitter(), random.job_id(NOW), random.job_id(NOW), random.jitter());
        assert_eq!(draw(&Random::seeded(7)), draw(&Random::seeded(7)));
        assert_ne!(draw(&Random::seeded(7)), draw(&Random::seeded(8)));
    }

    #[test]
    fn an_id_tells_its_moment_and_is_given_once() {
        for random in [Random::default(), Random::seeded(1)] {
            let ids: HashSet<u128> = (0..10_000).map(|_| random.id(NOW)).collect();
            assert_eq!(ids.len(), 10_000);
            assert!(ids.iter().all(|id| (id >> 80) as i64 == NOW.as_millis() && (id >> 76) & 0xf == 7));
            assert!((0..10_000).all(|_| (0.0..1.0).contains(&random.jitter())));
        }
    }
}
