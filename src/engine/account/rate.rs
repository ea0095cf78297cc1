//! The call rate of each action of an account: token buckets that the provider's answers lower.

use async_trait::async_trait;

use super::{Account, State};
use crate::domain::{Lane, RateLimiter, Timestamp};
use crate::provider::{ApiAction, CallLimiter};

impl Account {
    pub(crate) fn throttle(&self, meter: ApiAction, now: Timestamp) {
        let mut state = self.state();
        state.throttled_at = Some(now);
        self.pace(&mut state, meter).throttle(now);
    }

    /// Calls per second that the lane's action may make now.
    pub(crate) fn rate(&self, lane: &Lane, now: Timestamp) -> u32 {
        let meter = self.provider.submit_action(lane);
        self.pace(&mut self.state(), meter).rate_at(now)
    }

    pub(super) fn pace<'a>(&self, state: &'a mut State, meter: ApiAction) -> &'a mut RateLimiter {
        let limit = self.provider.capabilities().rate_limit(meter);
        state.paces.entry(meter).or_insert_with(|| RateLimiter::after_start(limit, self.started_at))
    }
}

#[async_trait]
impl CallLimiter for Account {
    async fn acquire(&self, meter: ApiAction) {
        let mut freed = self.freed.subscribe();
        loop {
            let now = self.clock.now();
            let next = {
                let mut state = self.state();
                let pace = self.pace(&mut state, meter);
                if pace.tokens(now) > 0 {
                    pace.take(now);
                    return;
                }
                pace.next_token(now)
            };
            tokio::select! {
                () = freed.notified() => {}
                () = async {
                    match next {
                        Some(at) => self.clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }

    fn on_throttled(&self, meter: ApiAction) {
        self.throttle(meter, self.clock.now());
    }

    fn release(&self, meter: ApiAction) {
        let now = self.clock.now();
        self.pace(&mut self.state(), meter).give_back(now);
        self.freed.notify();
    }
}
