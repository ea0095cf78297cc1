//! The day quotas of an account: what the provider says is left, and what this and earlier processes used.

use super::state::{Account, AccountData, UnreadPool};
use crate::domain::{Failure, ItemOperation, Lane, Pool, PoolReading, Timestamp};
use crate::store::{Store, StoreError};

impl AccountData {
    /// Records which pools are empty from `now` on, and drops those that are not any more.
    pub(super) fn note_empty(&mut self, now: Option<Timestamp>) {
        let Self { pools, emptied, .. } = self;
        for (name, pool) in pools.iter() {
            match now {
                _ if pool.available() > 0 => drop(emptied.remove(name)),
                Some(now) => drop(emptied.entry(name.clone()).or_insert(now)),
                None => {}
            }
        }
    }
}

impl Account {
    /// Reads from our own rows what earlier processes used today.
    pub(crate) async fn load_usage(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let day_start = self.provider.capabilities().day.start(now);
        let usages = store.usage_since(day_start).await?;
        let mut state = self.state();
        state.remembered_since = Some(day_start);
        for usage in usages.iter().filter(|usage| usage.lane.account == self.name) {
            self.each_pool(&mut state, &usage.lane, |pool| {
                pool.spend(usage.targets);
                pool.charged(usage.targets.saturating_sub(usage.in_flight));
            });
        }
        // Every later reading includes what is charged for certain.
        state.unread.values_mut().for_each(|unread| unread.pool.ask());
        Ok(())
    }

    /// Reserves a token and so many targets, before the claim.
    pub(crate) fn reserve(&self, lane: &Lane, targets: u64, now: Timestamp) {
        let action = self.provider.submit_action(lane);
        let mut state = self.state();
        self.limiter(&mut state, action).take(now);
        state.open_calls += 1;
        self.each_pool(&mut state, lane, |pool| pool.spend(targets));
        state.note_empty(Some(now));
    }

    /// Returns targets that were reserved and not claimed, or claimed and not charged for certain.
    pub(crate) fn return_quota(&self, lane: &Lane, targets: u64) {
        let mut state = self.state();
        self.each_pool(&mut state, lane, |pool| pool.unspend(targets));
        state.note_empty(None);
    }

    /// The call was charged. Before that it counts as in flight.
    pub(crate) fn charged(&self, lane: &Lane, targets: u64) {
        self.each_pool(&mut self.state(), lane, |pool| pool.charged(targets));
    }

    /// The provider says that the day quota of this lane is used up.
    pub(crate) fn exhaust(&self, lane: &Lane, now: Timestamp) {
        let mut state = self.state();
        self.each_pool(&mut state, lane, |pool| pool.exhaust(now));
        state.quota_wanted.insert(lane.operation, true);
    }

    pub(crate) fn want_quota(&self, operation: ItemOperation) {
        self.state().quota_wanted.insert(operation, true);
    }

    pub(crate) fn quota_is_wanted(&self, operation: ItemOperation) -> bool {
        self.state().quota_wanted.get(&operation).copied().unwrap_or(false)
    }

    /// A reading of the quota starts.
    pub(crate) fn ask_quota(&self, operation: ItemOperation) {
        let mut state = self.state();
        state.quota_wanted.insert(operation, false);
        let is_of_operation =
            |pool: &&mut Pool| pool.reading().is_none_or(|(reading, _)| reading.operation == operation);
        state.pools.values_mut().filter(is_of_operation).for_each(Pool::ask);
        let unread = state.unread.values_mut().filter(|unread| unread.operation == operation);
        unread.for_each(|unread| unread.pool.ask());
    }

    pub(crate) fn read_quota(&self, operation: ItemOperation, readings: &[PoolReading], now: Timestamp) {
        let day_start = self.provider.capabilities().day.start(now);
        let mut state = self.state();
        state.quota_faults.remove(&operation);
        for reading in readings {
            let unread = state.unread.remove(&reading.name);
            let pool = unread.map_or_else(|| Pool::new(0, 0, day_start), |unread| unread.pool);
            let pool = state.pools.entry(reading.name.clone()).or_insert(pool);
            pool.read(reading.clone(), day_start, now);
        }
        state.note_empty(Some(now));
    }

    pub(crate) fn quota_unreadable(&self, operation: ItemOperation, failure: &Failure) {
        self.state().quota_faults.insert(operation, failure.clone());
    }

    pub(super) fn each_pool(&self, state: &mut AccountData, lane: &Lane, change: impl Fn(&mut Pool)) {
        let since = state.remembered_since.unwrap_or(self.started_at);
        let AccountData { pools, unread, .. } = state;
        for name in self.provider.pools(lane) {
            let new = || UnreadPool { operation: lane.operation, pool: Pool::new(0, 0, since) };
            match pools.get_mut(&name) {
                Some(pool) => change(pool),
                None => change(&mut unread.entry(name).or_insert_with(new).pool),
            }
        }
    }
}
