//! What diagnoses may cost: each makes calls to edge, origin, DNS and provider, so they are few at once and few per token.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as Reading;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::domain::TokenId;
use crate::service::ServiceError;

/// Diagnoses at the same time, for all callers.
const AT_ONCE_MAX: usize = 4;
/// When somebody who found all places taken may try again: most diagnoses take a few seconds.
const PLACE_AGAIN: Duration = Duration::from_secs(5);
/// A token's diagnoses in a row, and the time after which it has one more.
const IN_A_ROW_MAX: NonZeroU32 = NonZeroU32::new(6).expect("six is not zero");
const ONE_MORE_EVERY: Duration = Duration::from_secs(10);

pub(super) struct DiagnosisLimits {
    places: Arc<Semaphore>,
    /// By token; all of open mode is one.
    tokens: RateLimiter<Option<TokenId>, HashMapStateStore<Option<TokenId>>, GovernorClock, NoOpMiddleware<Duration>>,
}

/// Our clock, as the rate limiter reads it.
struct GovernorClock(Arc<dyn Clock>);

impl Reading for GovernorClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().as_millis()).unwrap_or(0))
    }
}

impl DiagnosisLimits {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::with_period(ONE_MORE_EVERY).expect("the period is not zero").allow_burst(IN_A_ROW_MAX);
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            tokens: RateLimiter::hashmap_with_clock(quota, GovernorClock(clock)),
        }
    }

    /// A place for one diagnosis, until it is dropped.
    ///
    /// # Errors
    /// All are taken, or the token had its share. Who finds no place has lost nothing of it.
    pub(super) fn enter(&self, token: Option<TokenId>) -> Result<OwnedSemaphorePermit, ServiceError> {
        let why = "other diagnoses are being made; try again in a moment";
        let taken = |_| ServiceError::TooMany { why, again_in: PLACE_AGAIN };
        let place = self.places.clone().try_acquire_owned().map_err(taken)?;
        // Tokens that have all their share again need not be remembered.
        self.tokens.retain_recent();
        self.tokens.check_key(&token).map_err(|too_soon| {
            let again_in = too_soon.wait_time_from(self.tokens.clock().now());
            ServiceError::TooMany { why: "this token has asked for many diagnoses just now", again_in }
        })?;
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::Timestamp;

    fn limits() -> (ManualClock, DiagnosisLimits) {
        let clock = ManualClock::new(Timestamp::from_millis(1_795_341_600_000));
        (clock.clone(), DiagnosisLimits::new(Arc::new(clock)))
    }

    fn again_in(refused: Result<OwnedSemaphorePermit, ServiceError>) -> Duration {
        match refused {
            Err(ServiceError::TooMany { again_in, .. }) => again_in,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_that_asks_too_often_waits_and_others_do_not() {
        let (clock, limits) = limits();
        let [one, other] = ["0000000000000001", "0000000000000002"].map(|id| Some(id.parse().expect("an id")));
        for _ in 0..IN_A_ROW_MAX.get() {
            drop(limits.enter(one).expect("a place"));
        }
        assert_eq!(again_in(limits.enter(one)), ONE_MORE_EVERY);
        drop(limits.enter(other).expect("another token's place"));
        clock.advance(ONE_MORE_EVERY);
        drop(limits.enter(one).expect("one more"));
        assert_eq!(again_in(limits.enter(one)), ONE_MORE_EVERY);
    }

    #[test]
    fn a_few_at_once_and_no_more() {
        let (_, limits) = limits();
        let mut permits: Vec<_> = (0..AT_ONCE_MAX).map(|_| limits.enter(None).expect("a place")).collect();
        assert_eq!(again_in(limits.enter(None)), PLACE_AGAIN);
        permits.pop();
        drop(limits.enter(None).expect("a place again"));
    }
}
