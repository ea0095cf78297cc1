//! Whose turn it is to be probed: a host is looked at by a few at once and so often in a second, whoever asks. A look is
//! no load.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Looks at one host at once.
const OPEN_MAX: usize = 8;
/// Looks at one host that begin in a second, and how many in one go after a pause: a small job is seen at once.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("more than none");
const AT_ONCE: NonZeroU32 = NonZeroU32::new(40).expect("more than none");
/// Hosts that are remembered before those are forgotten that nobody looks at.
const HOSTS_KEPT: usize = 1024;

pub(super) struct HostRateLimiter {
    pace: DefaultKeyedRateLimiter<String>,
    open: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl HostRateLimiter {
    pub(super) fn new() -> Self {
        Self { pace: RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(AT_ONCE)), open: Mutex::default() }
    }

    /// Waits for a turn at `host` and holds it as long as what comes back lives. `None`: there was none within that time.
    pub(super) async fn take(&self, host: &str, within: Duration) -> Option<OwnedSemaphorePermit> {
        let host = host.to_owned();
        let places = self.places(&host);
        let turn = async {
            let place = places.acquire_owned().await.ok()?;
            while let Err(early) = self.pace.check_key(&host) {
                tokio::time::sleep(early.wait_time_from(self.pace.clock().now())).await;
            }
            Some(place)
        };
        tokio::time::timeout(within, turn).await.ok()?
    }

    fn places(&self, host: &str) -> Arc<Semaphore> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= HOSTS_KEPT {
            open.retain(|_, places| Arc::strong_count(places) > 1 || places.available_permits() < OPEN_MAX);
            self.pace.retain_recent();
            self.pace.shrink_to_fit();
        }
        open.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OPEN_MAX))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_is_looked_at_by_a_few_at_once_and_others_do_not_wait_for_it() {
        let turns = HostRateLimiter::new();
        let mut permits = Vec::new();
        for _ in 0..OPEN_MAX {
            permits.push(turns.take("a.example", Duration::from_secs(60)).await.expect("a place"));
        }
        assert!(turns.take("a.example", Duration::from_millis(50)).await.is_none(), "all places are taken");
        assert!(turns.take("b.example", Duration::from_secs(60)).await.is_some());
        permits.pop();
        assert!(turns.take("a.example", Duration::from_secs(60)).await.is_some(), "a place was given back");
    }

    #[tokio::test]
    async fn a_host_is_looked_at_so_often_in_a_second() {
        let turns = HostRateLimiter::new();
        let mut had = 0;
        // Without a wait only the first go is had, and what came back while it was.
        while turns.take("a.example", Duration::ZERO).await.is_some() {
            had += 1;
            assert!(had < 1000, "no limit holds");
        }
        assert!(had >= AT_ONCE.get(), "{had}");
        assert!(turns.take("a.example", Duration::from_secs(60)).await.is_some(), "who waits gets a turn");
    }

    #[tokio::test]
    async fn hosts_that_nobody_looks_at_are_forgotten() {
        let turns = HostRateLimiter::new();
        let _held = turns.take("held.example", Duration::from_secs(60)).await.expect("a place");
        for n in 0..HOSTS_KEPT * 2 {
            assert!(turns.take(&format!("{n}.example"), Duration::from_secs(60)).await.is_some());
        }
        let open = turns.open.lock().expect("nobody panicked");
        assert!(open.len() <= HOSTS_KEPT && open.contains_key("held.example"), "{}", open.len());
    }
}
