//! One account as the engine sees it: its rates, its pools, and whether the provider lets it work.

mod domain_cache;
mod host_suspensions;
mod ledger;
mod pauses;
mod rate;
mod status;

pub use domain_cache::CachedDomain;
pub(super) use domain_cache::DomainCache;
pub(super) use host_suspensions::HostSuspensions;
pub use status::AccountStatus;
pub(super) use status::PoolUsage;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::scheduler::AccountLimits;
use crate::clock::Clock;
use crate::domain::{
    AccountName, Area, Failure, ItemOperation, Lane, Pool, PoolAvailability, PoolName, Promotion, RateLimiter, Reserve,
    TenantName, Timestamp,
};
use crate::notify::Notifier;
use crate::provider::{ApiAction, Provider};
use ledger::UnreadPool;
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

    /// What stands in the way of the lane.
    pub(super) fn limits_for(&self, lane: &Lane, now: Timestamp) -> AccountLimits {
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

    /// Sets aside a token and so many targets, before the claim is made.
    pub(super) fn reserve(&self, lane: &Lane, targets: u64, now: Timestamp) {
        let action = self.provider.submit_action(lane);
        let mut state = self.state();
        self.pace(&mut state, action).take(now);
        state.open_calls += 1;
        self.each_pool(&mut state, lane, |pool| pool.spend(targets));
        state.note_empty(Some(now));
    }

    /// Puts a token back: nothing could be claimed, so there is no call.
    pub(super) fn return_token(&self, lane: &Lane) {
        let action = self.provider.submit_action(lane);
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
        self.pace(&mut state, action).put_back();
        drop(state);
        self.freed.notify();
    }

    /// A submission's call is over: its outcome is recorded, or it was never made.
    pub(super) fn close_call(&self) {
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
    }

    /// Holds everything, or one action, back for a while that doubles each time.
    pub(super) fn pause(&self, action: ApiAction, failure: &Failure, jitter: f64, now: Timestamp) {
        self.state().pauses.add(action, failure, jitter, now);
    }

    /// A call of this action was accepted: whatever held it back is over.
    pub(super) fn clear_pauses(&self, action: ApiAction) {
        self.state().pauses.end(action);
    }

    /// The hosts that the provider refused of late.
    pub(super) fn hosts<T>(&self, of: impl FnOnce(&mut HostSuspensions) -> T) -> T {
        of(&mut self.state().hosts)
    }

    /// Where a target of the host goes that no area was asked for.
    pub(super) fn area_of(&self, host: &str, now: Timestamp) -> Area {
        self.domains.for_host(host).and_then(|domain| domain.own_area(now)).unwrap_or(Area::Own)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
