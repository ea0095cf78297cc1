//! What an account allows a lane at one moment: the scheduler's input.

use super::state::Account;
use crate::domain::{Lane, PoolAvailability, PoolName, Timestamp};
use crate::engine::scheduler::AccountLimits;

impl Account {
    /// What stands in the way of the lane.
    pub(in crate::engine) fn limits_for(&self, lane: &Lane, now: Timestamp) -> AccountLimits {
        let action = self.provider.submit_action(lane);
        let day = self.provider.capabilities().day;
        let (day_start, reset) = (day.start(now), day.next_reset(now));
        let mut state = self.state();
        let mut pools = self.provider.pools(lane);
        // A domain area that may span two pools is not bound by one that the provider does not have for this account.
        if pools.iter().any(|name| state.pools.contains_key(name)) {
            pools.retain(|name| state.pools.contains_key(name));
        }
        let usable = |name: PoolName| {
            let usable = state
                .pools
                .get(&name)
                .map_or(PoolAvailability::ReadingStale, |pool| pool.usable(self.reserve, day_start, reset, now));
            (name, usable)
        };
        let pools = pools.into_iter().map(usable).collect();
        let quota_fault = state.quota_faults.get(&lane.operation).cloned();
        let (pause, probing) = state.pauses.before(action, now);
        let open_calls = state.open_calls;
        let pace = self.pace(&mut state, action);
        AccountLimits {
            pause,
            probing,
            open_calls,
            tokens: pace.tokens(now),
            next_token: pace.next_token(now),
            throttled: pace.is_throttled(now),
            pools,
            quota_fault,
            reset,
        }
    }
}
