//! A read-only view for callers: what is left of the pools, the call rates, why a lane waits, and what the provider says of the
//! domains.

use std::sync::Arc;

use super::Accounts;
use super::account::CachedDomain;
use super::account::{Account, AccountStatus, PoolUsage};
use super::lane_status::Wait;
use super::promoter::{promotion_candidates, promotions_left};
use super::scheduler::{Decision, LaneLoad, decide};
use crate::domain::{
    AccountName, Area, Failure, ItemOperation, Lane, PoolName, Priority, Routes, ServiceDay, Target, TargetKind,
    Timestamp,
};
use crate::store::{Store, StoreError};

/// The accounts, read-only.
pub struct EngineStatus {
    accounts: Accounts,
    routes: Arc<Routes>,
}

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolStatus {
    pub account: AccountName,
    pub name: PoolName,
    pub operation: ItemOperation,
    pub kind: TargetKind,
    pub area: Area,
    pub total: u64,
    /// The smaller of our ledger and the provider's last reading.
    pub available: u64,
    /// Of the available ones, for `urgent` only.
    pub reserved: u64,
    pub used: u64,
    /// Targets of one call.
    pub batch: u32,
    /// The end of the day of these figures. In the past: the quota was not read since.
    pub resets_at: Timestamp,
    pub exhausted_at: Option<Timestamp>,
    pub read_at: Timestamp,
}

/// What limits a lane's next targets.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneLimits {
    /// Why it could not send a target now, if it could not.
    pub waiting: Option<Wait>,
    pub targets_max: u32,
    pub bytes_max: usize,
    pub calls_per_second: u32,
    /// The pools that it uses, as far as they were read.
    pub pools: Vec<PoolStatus>,
    /// Some of its pools were not read yet.
    pub quota_is_unknown: bool,
}

impl EngineStatus {
    #[must_use]
    pub const fn new(accounts: Accounts, routes: Arc<Routes>) -> Self {
        Self { accounts, routes }
    }

    /// The provider's domain that serves the host. None: not read yet, or there is none.
    #[must_use]
    pub fn domain(&self, host: &str) -> Option<CachedDomain> {
        self.accounts.get(self.routes.account_for(host)?)?.domains.for_host(host)
    }

    /// When the domains of the host's account were read. If they were, a host without a domain is not the account's.
    #[must_use]
    pub fn domains_read_at(&self, host: &str) -> Option<Timestamp> {
        self.accounts.get(self.routes.account_for(host)?)?.domains.read_at()
    }

    /// Why the domains of the host's account could not be read last time, if they could not.
    #[must_use]
    pub fn domains_failed(&self, host: &str) -> Option<Failure> {
        self.accounts.get(self.routes.account_for(host)?)?.domains.failed()
    }

    /// Every pool that was read.
    #[must_use]
    pub fn pools(&self, now: Timestamp) -> Vec<PoolStatus> {
        let pools = |account: &Arc<Account>| self.pools_of_account(account, now);
        self.accounts.values().flat_map(pools).collect()
    }

    /// The provider's day around `now`.
    #[must_use]
    pub fn day(&self, account: &AccountName) -> Option<ServiceDay> {
        Some(self.accounts.get(account)?.provider.capabilities().day)
    }

    /// The pools that a submission of the lane uses.
    #[must_use]
    pub fn pools_of(&self, lane: &Lane) -> Vec<PoolName> {
        self.accounts.get(&lane.account).map(|account| account.provider.pools(lane)).unwrap_or_default()
    }

    /// The directories that would be purged instead, if these URLs of the lane were pending.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn promoted_directories(
        &self,
        lane: &Lane,
        urls: &[Target],
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Vec<Target>, StoreError> {
        let Some(account) = self.accounts.get(&lane.account) else { return Ok(Vec::new()) };
        let urls = urls.iter().map(|url| (url, Priority::Normal));
        let candidates = promotion_candidates(account, lane, urls, now);
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let promotions_left = promotions_left(store, account, now).await?;
        Ok(candidates.into_iter().map(|candidate| candidate.directory).take(promotions_left as usize).collect())
    }

    /// Calls per second of the lane's action; none if its account is not configured any more.
    #[must_use]
    pub fn rate(&self, lane: &Lane, now: Timestamp) -> Option<u32> {
        Some(self.accounts.get(&lane.account)?.rate(lane, now))
    }

    /// The status of every account.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountStatus> {
        self.accounts.values().map(|account| account.status()).collect()
    }

    /// The account's status; none if it is not configured any more.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<AccountStatus> {
        Some(self.accounts.get(name)?.status())
    }

    /// The call that would carry the target, as text for a support ticket, without the signature.
    #[must_use]
    pub fn call_sample(&self, lane: &Lane, target: &Target) -> Option<String> {
        self.accounts.get(&lane.account)?.provider.call_sample(lane, target)
    }

    /// The limits for one more target of the lane; none if its account is not configured any more.
    #[must_use]
    pub fn lane(&self, lane: &Lane, now: Timestamp) -> Option<LaneLimits> {
        let account = self.accounts.get(&lane.account)?;
        let capabilities = account.provider.capabilities();
        let limits = account.limits_for(lane, now);
        let names: Vec<&PoolName> = limits.pools.iter().map(|(name, _)| name).collect();
        let mut pools = self.pools_of_account(account, now);
        pools.retain(|pool| names.contains(&&pool.name));
        let quota_is_unknown = pools.len() < names.len() || pools.iter().any(|pool| pool.resets_at <= now);
        let batch_max = capabilities.batch_targets_max(lane);
        // As urgent: the pools show the reserve, and the caller knows whether it applies.
        let load = LaneLoad { urgent: 1, others: 0, batch_max, in_flight: 0, paused: None };
        let waiting = match decide(&load, &limits, now) {
            Decision::Send { .. } => None,
            Decision::AskQuota(waiting) | Decision::Wait(waiting) => Some(waiting),
        };
        Some(LaneLimits {
            waiting,
            targets_max: pools.iter().map(|pool| pool.batch).fold(batch_max, u32::min),
            bytes_max: capabilities.batch_bytes_max(lane),
            calls_per_second: account.rate(lane, now),
            pools,
            quota_is_unknown,
        })
    }

    fn pools_of_account(&self, account: &Account, now: Timestamp) -> Vec<PoolStatus> {
        let day = account.provider.capabilities().day;
        let status = |usage: PoolUsage| {
            let PoolUsage { reading, read_at, available, used, exhausted_at } = usage;
            let resets_at = day.next_reset(read_at);
            PoolStatus {
                account: account.name.clone(),
                name: reading.name,
                operation: reading.operation,
                kind: reading.kind,
                area: reading.area,
                total: reading.total,
                available,
                reserved: account.reserve.of(reading.total, resets_at, now),
                used,
                batch: reading.batch,
                resets_at,
                exhausted_at,
                read_at,
            }
        };
        account.pool_usages().into_iter().map(status).collect()
    }
}
