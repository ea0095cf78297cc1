//! The day quotas as callers see them: what is left, what we spent, and when it runs out at the present rate.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Caller, Refusal, Service};
use crate::domain::{PoolName, Spending, Timestamp, runs_out_at};
use crate::engine::PoolOutlook;
use crate::store::Spent;

/// The present rate is that of the last hour, or of the day if that is younger.
const RATE_SPAN: Duration = Duration::from_secs(60 * 60);

/// A pool, and a guess.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolView {
    pub pool: PoolOutlook,
    /// When what is open to all is spent at the present rate, if that is before the reset.
    pub runs_out_at: Option<Timestamp>,
}

impl Service {
    /// Every pool that the providers told of. Pools belong to accounts, so whoever may look at anything sees them all.
    ///
    /// # Errors
    /// The caller may not look; the store cannot be read.
    pub async fn quota(&self, caller: &Caller) -> Result<Vec<PoolView>, Refusal> {
        caller.visible()?;
        let now = self.clock.now();
        let pools = self.outlook.pools(now);
        let mut lately: BTreeMap<Timestamp, Vec<Spent>> = BTreeMap::new();
        for since in pools.iter().map(|pool| self.rate_since(pool, now)) {
            if let std::collections::btree_map::Entry::Vacant(unread) = lately.entry(since) {
                unread.insert(self.store.spent(since).await?);
            }
        }
        let view = |pool: PoolOutlook| {
            let since = self.rate_since(&pool, now);
            let targets = self.spent_of(&pool, lately.get(&since).map_or(&[], Vec::as_slice));
            let left = pool.available.saturating_sub(pool.reserved);
            let runs_out_at = runs_out_at(left, Spending { targets, since }, pool.resets_at, now);
            PoolView { runs_out_at, pool }
        };
        Ok(pools.into_iter().map(view).collect())
    }

    fn rate_since(&self, pool: &PoolOutlook, now: Timestamp) -> Timestamp {
        let day_start = self.outlook.day(&pool.account).map(|day| day.start(now));
        day_start.map_or(now - RATE_SPAN, |start| start.max(now - RATE_SPAN))
    }

    fn spent_of(&self, pool: &PoolOutlook, lately: &[Spent]) -> u64 {
        let draws = |spent: &&Spent| {
            let drawn: Vec<PoolName> = self.outlook.pools_of(&spent.lane);
            spent.lane.account == pool.account && drawn.contains(&pool.name)
        };
        lately.iter().filter(draws).map(|spent| spent.targets).sum()
    }
}
