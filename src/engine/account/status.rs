//! The status of an account, for callers.

use super::state::Account;
use crate::domain::{AccountName, Failure, ItemOperation, Pool, PoolName, PoolReading, Timestamp};

/// Whether the provider accepts an account's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    pub name: AccountName,
    /// Why all its calls are paused, if they are.
    pub paused: Option<Failure>,
    /// Why single actions are paused, by the action's name.
    pub refused_actions: Vec<(String, Failure)>,
    /// Why the day quota of an operation could not be read; without it nothing is sent.
    pub unread_quotas: Vec<(ItemOperation, Failure)>,
    /// The provider's clock less ours; none: no answer yet.
    pub skew_millis: Option<i64>,
    /// When a call was last throttled.
    pub throttled_at: Option<Timestamp>,
}

/// The usage of a pool.
pub(crate) struct PoolUsage {
    pub(crate) reading: PoolReading,
    pub(crate) read_at: Timestamp,
    pub(crate) available: u64,
    pub(crate) used: u64,
    pub(crate) exhausted_at: Option<Timestamp>,
}

impl Account {
    /// Its status.
    pub(crate) fn status(&self) -> AccountStatus {
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

    /// The pools that were read, by name.
    pub(crate) fn pool_usages(&self) -> Vec<PoolUsage> {
        let state = self.state();
        let usage = |(name, pool): (&PoolName, &Pool)| {
            let (reading, read_at) = pool.reading()?;
            Some(PoolUsage {
                reading: reading.clone(),
                read_at: *read_at,
                available: pool.available(),
                used: pool.used(),
                exhausted_at: pool.exhausted_at().or_else(|| state.emptied.get(name).copied()),
            })
        };
        let mut usages: Vec<PoolUsage> = state.pools.iter().filter_map(usage).collect();
        usages.sort_by(|one, other| one.reading.name.cmp(&other.reading.name));
        usages
    }
}
