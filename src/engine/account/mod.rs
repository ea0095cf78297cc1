//! One account as the engine sees it: its rates, its pools, and whether the provider lets it work.

pub(super) mod host_suspensions;
pub(super) mod pauses;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::domain_reader::DomainCache;
use super::lane_status::Wait;
use super::status::AccountStatus;
use crate::clock::Clock;
use crate::domain::{
    AccountName, Failure, ItemOperation, Lane, Pool, PoolAvailability, PoolName, PoolReading, Promotion, RateLimiter,
    Reserve, TenantName, Timestamp,
};
use crate::notify::Notifier;
use crate::provider::{ApiAction, CallLimiter, Provider};
use crate::store::{Store, StoreError};
use host_suspensions::HostSuspensions;
use pauses::Pauses;

/// An account, shared by the services.
pub struct Account {
    pub(super) name: AccountName,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) reserve: Reserve,
    pub(super) domains: DomainCache,
    /// When URL purges are worth one of their directory.
    pub(super) promotion: Promotion,
    /// Which part of each pool a tenant may draw in a day.
    pub(super) shares: BTreeMap<TenantName, f64>,
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    state: Mutex<State>,
    /// A token came back.
    freed: Notifier,
}

#[derive(Default)]
struct State {
    paces: HashMap<ApiAction, RateLimiter>,
    pools: HashMap<PoolName, Pool>,
    /// Pools that the provider has not told of yet, with what our own rows say was spent since then.
    unread: HashMap<PoolName, UnreadPool>,
    remembered_since: Option<Timestamp>,
    /// Submissions without an answer.
    open_calls: u32,
    pauses: Pauses,
    /// When a call was last refused because there were too many.
    throttled_at: Option<Timestamp>,
    quota_wanted: HashMap<ItemOperation, bool>,
    quota_faults: HashMap<ItemOperation, Failure>,
    /// Since when nothing is left of a pool.
    emptied: HashMap<PoolName, Timestamp>,
    hosts: HostSuspensions,
}

/// A pool as it stands.
pub(super) struct PoolUsage {
    pub(super) reading: PoolReading,
    pub(super) read_at: Timestamp,
    pub(super) available: u64,
    pub(super) used: u64,
    pub(super) exhausted_at: Option<Timestamp>,
}

impl State {
    /// Notes which pools are empty from `now` on, and forgets those that are not any more.
    fn note_empty(&mut self, now: Option<Timestamp>) {
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

/// What a process before this one sent counts, and may be settled, before the provider has said what is left.
struct UnreadPool {
    operation: ItemOperation,
    pool: Pool,
}

/// What stands in the way of a lane at one moment.
pub(super) struct AccountLimits {
    pub(super) pause: Option<Wait>,
    /// A pause is over but nothing has succeeded since: one call at a time.
    pub(super) probing: bool,
    /// Submissions of the account without an answer.
    pub(super) open_calls: u32,
    pub(super) tokens: u32,
    pub(super) next_token: Option<Timestamp>,
    pub(super) throttled: bool,
    pub(super) pools: Vec<(PoolName, PoolAvailability)>,
    pub(super) quota_fault: Option<Failure>,
    /// When the day quotas are reset.
    pub(super) reset: Timestamp,
}

impl Account {
    #[must_use]
    pub fn new(name: AccountName, provider: Arc<dyn Provider>, reserve: Reserve, clock: Arc<dyn Clock>) -> Self {
        let started_at = clock.now();
        let (domains, state, freed) = (DomainCache::default(), Mutex::default(), Notifier::default());
        let (promotion, shares) = (Promotion::default(), BTreeMap::new());
        Self { name, provider, reserve, domains, promotion, shares, clock, started_at, state, freed }
    }

    /// The same, with tenants that may draw only a part of each day quota.
    #[must_use]
    pub fn with_tenant_shares(self, shares: BTreeMap<TenantName, f64>) -> Self {
        Self { shares, ..self }
    }

    /// The same, with directories that URL purges may be promoted to.
    #[must_use]
    pub fn with_promotion(self, promotion: Promotion) -> Self {
        Self { promotion, ..self }
    }

    /// Whom its calls go to.
    #[must_use]
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    /// Learns from our own rows what was spent today before this process.
    pub(super) async fn load_usage(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let day_start = self.provider.capabilities().day.start(now);
        let spent = store.usage_since(day_start).await?;
        let mut state = self.state();
        state.remembered_since = Some(day_start);
        for spent in spent.iter().filter(|spent| spent.lane.account == self.name) {
            self.each_pool(&mut state, &spent.lane, |pool| {
                pool.spend(spent.targets);
                pool.charged(spent.targets.saturating_sub(spent.in_flight));
            });
        }
        // What is charged for certain is in any answer of the provider's to come.
        state.unread.values_mut().for_each(|unread| unread.pool.ask());
        Ok(())
    }

    /// What stands in the way of the lane.
    pub(super) fn limits_for(&self, lane: &Lane, now: Timestamp) -> AccountLimits {
        let meter = self.provider.submit_action(lane);
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
        let (pause, probing) = state.pauses.before(meter, now);
        let open_calls = state.open_calls;
        let pace = self.pace(&mut state, meter);
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

    /// Sets aside a token and so many targets, before the claim is made.
    pub(super) fn reserve(&self, lane: &Lane, targets: u64, now: Timestamp) {
        let meter = self.provider.submit_action(lane);
        let mut state = self.state();
        self.pace(&mut state, meter).take(now);
        state.open_calls += 1;
        self.each_pool(&mut state, lane, |pool| pool.spend(targets));
        state.note_empty(Some(now));
    }

    /// Puts a token back: nothing could be claimed, so there is no call.
    pub(super) fn return_token(&self, lane: &Lane) {
        let meter = self.provider.submit_action(lane);
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
        self.pace(&mut state, meter).put_back();
        drop(state);
        self.freed.notify();
    }

    /// Gives back targets that were set aside and not claimed, or claimed and surely not charged.
    pub(super) fn return_quota(&self, lane: &Lane, targets: u64) {
        let mut state = self.state();
        self.each_pool(&mut state, lane, |pool| pool.unspend(targets));
        state.note_empty(None);
    }

    /// The call was charged. Until that is known it counts as in flight.
    pub(super) fn charged(&self, lane: &Lane, targets: u64) {
        self.each_pool(&mut self.state(), lane, |pool| pool.charged(targets));
    }

    /// A submission's call is over: its outcome is recorded, or it was never made.
    pub(super) fn close_call(&self) {
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
    }

    pub(super) fn throttle(&self, meter: ApiAction, now: Timestamp) {
        let mut state = self.state();
        state.throttled_at = Some(now);
        self.pace(&mut state, meter).throttle(now);
    }

    /// The provider says that the day's quota of this lane is spent.
    pub(super) fn exhaust(&self, lane: &Lane, now: Timestamp) {
        let mut state = self.state();
        self.each_pool(&mut state, lane, |pool| pool.exhaust(now));
        state.quota_wanted.insert(lane.operation, true);
    }

    /// Holds everything, or one action, back for a while that doubles each time.
    pub(super) fn pause(&self, meter: ApiAction, failure: &Failure, jitter: f64, now: Timestamp) {
        self.state().pauses.add(meter, failure, jitter, now);
    }

    /// A call of this action was accepted: whatever held it back is over.
    pub(super) fn clear_pauses(&self, meter: ApiAction) {
        self.state().pauses.end(meter);
    }

    /// How the provider lets it work.
    pub(super) fn outlook(&self) -> AccountStatus {
        let state = self.state();
        AccountStatus {
            name: self.name.clone(),
            paused: state.pauses.account(),
            refused_actions: state.pauses.actions(),
            unread_quotas: state.quota_faults.iter().map(|(operation, fault)| (*operation, fault.clone())).collect(),
            skew_millis: self.provider.skew_millis(),
            throttled_at: state.throttled_at,
        }
    }

    /// The pools that the provider told of, by name.
    pub(super) fn standings(&self) -> Vec<PoolUsage> {
        let state = self.state();
        let standing = |(name, pool): (&PoolName, &Pool)| {
            let (reading, read_at) = pool.reading()?;
            Some(PoolUsage {
                reading: reading.clone(),
                read_at: *read_at,
                available: pool.available(),
                used: pool.used(),
                exhausted_at: pool.exhausted_at().or_else(|| state.emptied.get(name).copied()),
            })
        };
        let mut standings: Vec<PoolUsage> = state.pools.iter().filter_map(standing).collect();
        standings.sort_by(|one, other| one.reading.name.cmp(&other.reading.name));
        standings
    }

    /// Calls per second that the lane's action may make now.
    pub(super) fn rate(&self, lane: &Lane, now: Timestamp) -> u32 {
        let meter = self.provider.submit_action(lane);
        self.pace(&mut self.state(), meter).rate_at(now)
    }

    /// The hosts that the provider refused of late.
    pub(super) fn hosts<T>(&self, of: impl FnOnce(&mut HostSuspensions) -> T) -> T {
        of(&mut self.state().hosts)
    }

    pub(super) fn want_quota(&self, operation: ItemOperation) {
        self.state().quota_wanted.insert(operation, true);
    }

    pub(super) fn quota_is_wanted(&self, operation: ItemOperation) -> bool {
        self.state().quota_wanted.get(&operation).copied().unwrap_or(false)
    }

    /// The provider is about to be asked what is left.
    pub(super) fn ask_quota(&self, operation: ItemOperation) {
        let mut state = self.state();
        state.quota_wanted.insert(operation, false);
        let asked = |pool: &&mut Pool| pool.reading().is_none_or(|(reading, _)| reading.operation == operation);
        state.pools.values_mut().filter(asked).for_each(Pool::ask);
        let unread = state.unread.values_mut().filter(|unread| unread.operation == operation);
        unread.for_each(|unread| unread.pool.ask());
    }

    pub(super) fn read_quota(&self, operation: ItemOperation, readings: &[PoolReading], now: Timestamp) {
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

    pub(super) fn quota_unreadable(&self, operation: ItemOperation, failure: &Failure) {
        self.state().quota_faults.insert(operation, failure.clone());
    }

    fn each_pool(&self, state: &mut State, lane: &Lane, change: impl Fn(&mut Pool)) {
        let since = state.remembered_since.unwrap_or(self.started_at);
        let State { pools, unread, .. } = state;
        for name in self.provider.pools(lane) {
            let new = || UnreadPool { operation: lane.operation, pool: Pool::new(0, 0, since) };
            match pools.get_mut(&name) {
                Some(pool) => change(pool),
                None => change(&mut unread.entry(name).or_insert_with(new).pool),
            }
        }
    }

    fn pace<'a>(&self, state: &'a mut State, meter: ApiAction) -> &'a mut RateLimiter {
        let limit = self.provider.capabilities().rate_limit(meter);
        state.paces.entry(meter).or_insert_with(|| RateLimiter::after_start(limit, self.started_at))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
