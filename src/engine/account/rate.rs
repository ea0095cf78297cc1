//! The call rate of each action of an account: a rate limiter that slows down when the provider throttles.

use async_trait::async_trait;

use super::state::{Account, AccountData};
use crate::domain::{Lane, RateLimiter, Timestamp};
use crate::provider::{ApiAction, CallLimiter};

impl Account {
    pub(crate) fn throttle(&self, action: ApiAction, now: Timestamp) {
        let mut state = self.state();
        state.throttled_at = Some(now);
        self.limiter(&mut state, action).throttle(now);
    }

    /// Calls per second that are allowed for the lane's action now.
    pub(crate) fn rate(&self, lane: &Lane, now: Timestamp) -> u32 {
        let action = self.provider.submit_action(lane);
        self.limiter(&mut self.state(), action).rate_at(now)
    }

    /// Returns a token: nothing was claimed, so there is no call.
    pub(crate) fn return_token(&self, lane: &Lane) {
        let action = self.provider.submit_action(lane);
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
        self.limiter(&mut state, action).put_back();
        drop(state);
        self.freed.notify();
    }

    pub(super) fn limiter<'a>(&self, state: &'a mut AccountData, action: ApiAction) -> &'a mut RateLimiter {
        let limit = self.provider.capabilities().rate_limit(action);
        state.limiters.entry(action).or_insert_with(|| RateLimiter::after_start(limit, self.started_at))
    }
}

#[async_trait]
impl CallLimiter for Account {
    async fn acquire(&self, action: ApiAction) {
        let mut freed = self.freed.subscribe();
        loop {
            let now = self.clock.now();
            let next = {
                let mut state = self.state();
                let limiter = self.limiter(&mut state, action);
                if limiter.tokens(now) > 0 {
                    limiter.take(now);
                    return;
                }
                limiter.next_token(now)
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

    fn on_throttled(&self, action: ApiAction) {
        self.throttle(action, self.clock.now());
    }

    fn release(&self, action: ApiAction) {
        let now = self.clock.now();
        self.limiter(&mut self.state(), action).give_back(now);
        self.freed.notify();
    }
}
