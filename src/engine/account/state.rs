//! One account, shared by the services, with what they learn of it behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::domain_cache::DomainCache;
use super::host_suspensions::HostSuspensions;
use super::pauses::Pauses;
use crate::clock::Clock;
use crate::domain::{
    AccountName, Area, Failure, ItemOperation, Pool, PoolName, Promotion, RateLimiter, Reserve, TenantName, Timestamp,
};
use crate::notify::Notifier;
use crate::provider::{ApiAction, Provider};

/// An account, shared by the services.
pub struct Account {
    pub(crate) name: AccountName,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) reserve: Reserve,
    pub(crate) domains: DomainCache,
    /// When URL purges are promoted to a purge of their directory.
    pub(crate) promotion: Promotion,
    /// Which part of each pool a tenant may use in a day.
    pub(crate) shares: BTreeMap<TenantName, f64>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started_at: Timestamp,
    pub(super) state: Mutex<AccountData>,
    /// A token was returned.
    pub(super) freed: Notifier,
}

#[derive(Default)]
pub(super) struct AccountData {
    pub(super) limiters: HashMap<ApiAction, RateLimiter>,
    pub(super) pools: HashMap<PoolName, Pool>,
    /// Pools without a reading, with the usage that our own rows show.
    pub(super) unread: HashMap<PoolName, UnreadPool>,
    pub(super) remembered_since: Option<Timestamp>,
    /// Submissions without an answer.
    pub(super) open_calls: u32,
    pub(super) pauses: Pauses,
    /// When a call was last throttled.
    pub(super) throttled_at: Option<Timestamp>,
    pub(super) quota_wanted: HashMap<ItemOperation, bool>,
    pub(super) quota_faults: HashMap<ItemOperation, Failure>,
    /// Since when a pool is empty.
    pub(super) emptied: HashMap<PoolName, Timestamp>,
    pub(super) hosts: HostSuspensions,
}

/// A pool before its first reading: what earlier processes used counts already.
pub(super) struct UnreadPool {
    pub(super) operation: ItemOperation,
    pub(super) pool: Pool,
}

impl Account {
    #[must_use]
    pub fn new(name: AccountName, provider: Arc<dyn Provider>, reserve: Reserve, clock: Arc<dyn Clock>) -> Self {
        let started_at = clock.now();
        let (domains, state, freed) = (DomainCache::default(), Mutex::default(), Notifier::default());
        let (promotion, shares) = (Promotion::default(), BTreeMap::new());
        Self { name, provider, reserve, domains, promotion, shares, clock, started_at, state, freed }
    }

    /// The same, with tenants that may use only a part of each day quota.
    #[must_use]
    pub fn with_tenant_shares(self, shares: BTreeMap<TenantName, f64>) -> Self {
        Self { shares, ..self }
    }

    /// The same, with directories that URL purges may be promoted to.
    #[must_use]
    pub fn with_promotion(self, promotion: Promotion) -> Self {
        Self { promotion, ..self }
    }

    /// The provider that its calls go to.
    #[must_use]
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    /// A submission's call is over: its outcome is recorded, or no call was made.
    pub(crate) fn close_call(&self) {
        let mut state = self.state();
        state.open_calls = state.open_calls.saturating_sub(1);
    }

    /// Pauses all actions, or this one, for a time that doubles each time.
    pub(crate) fn pause(&self, action: ApiAction, failure: &Failure, jitter: f64, now: Timestamp) {
        self.state().pauses.add(action, failure, jitter, now);
    }

    /// A call of this action was accepted: its pauses end.
    pub(crate) fn clear_pauses(&self, action: ApiAction) {
        self.state().pauses.end(action);
    }

    /// The key may use this reading action, or may not: then it is shown as refused until it may.
    pub(crate) fn note_permission(&self, action: ApiAction, denial: Option<&Failure>, now: Timestamp) {
        let mut state = self.state();
        match denial {
            Some(failure) => state.pauses.add(action, failure, 0.0, now),
            None => state.pauses.end_action(action),
        }
    }

    /// The hosts that the provider refused.
    pub(crate) fn hosts<T>(&self, of: impl FnOnce(&mut HostSuspensions) -> T) -> T {
        of(&mut self.state().hosts)
    }

    /// The area of a target whose job names none.
    pub(crate) fn area_of(&self, host: &str, now: Timestamp) -> Area {
        self.domains.for_host(host).and_then(|domain| domain.own_area(now)).unwrap_or(Area::Own)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, AccountData> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
