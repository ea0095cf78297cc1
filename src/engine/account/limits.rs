//! What an account allows a lane at one moment: the scheduler's input.

use super::state::Account;
use crate::domain::{Lane, PoolAvailability, PoolName, Timestamp};
use crate::engine::scheduler::AccountLimits;

impl Account {
    /// What the lane may send now, and why not more.
    pub(in crate::engine) fn limits_for(&self, lane: &Lane, now: Timestamp) -> AccountLimits {
        let action = self.provider.submit_action(lane);
        let day = self.provider.capabilities().day;
        let (day_start, reset) = (day.start(now), day.next_reset(now));
        let mut state = self.state();
        let mut pools = self.provider.pools(lane);
        // A lane may use two pools of which the provider has only one for this account: the other does not limit it.
        if pools.iter().any(|name| state.pools.contains_key(name)) {
            pools.retain(|name| state.pools.contains_key(name));
        }
        let availability = |name: PoolName| {
            let availability = state
                .pools
                .get(&name)
                .map_or(PoolAvailability::ReadingStale, |pool| pool.availability(self.reserve, day_start, reset, now));
            (name, availability)
        };
        let pools = pools.into_iter().map(availability).collect();
        let quota_fault = state.quota_faults.get(&lane.operation).cloned();
        let (pause, probing) = state.pauses.before(action, now);
        let open_calls = state.open_calls;
        let limiter = self.limiter(&mut state, action);
        AccountLimits {
            pause,
            probing,
            open_calls,
            tokens: limiter.tokens(now),
            next_token: limiter.next_token(now),
            throttled: limiter.is_throttled(now),
            pools,
            quota_fault,
            reset,
        }
    }
}
