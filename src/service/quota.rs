//! The day quotas as callers see them: what is left, what we spent, and when it runs out at the present rate.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Caller, Service, ServiceError};
use crate::domain::{PoolName, RecentUsage, Timestamp, runs_out_at};
use crate::engine::PoolStatus;
use crate::store::QuotaUsage;

/// The present rate is that of the last hour, or of the day if that is younger.
const RATE_SPAN: Duration = Duration::from_secs(60 * 60);

/// A pool, and a guess.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolDetails {
    pub pool: PoolStatus,
    /// Targets of today's calls whose answers were lost and that the provider did not list: they may have been charged
    /// though neither `used` nor `available` counts them.
    pub undecided: u64,
    /// When what is open to all is spent at the present rate, if that is before the reset.
    pub runs_out_at: Option<Timestamp>,
}

impl Service {
    /// Every pool that the providers have named. Pools belong to accounts, so every caller with a right to read sees them all.
    ///
    /// # Errors
    /// The caller may not look; the store cannot be read.
    pub async fn quota(&self, caller: &Caller) -> Result<Vec<PoolDetails>, ServiceError> {
        caller.visible()?;
        let now = self.clock.now();
        let pools = self.engine_status.pools(now);
        let starts = |pool: &PoolStatus| [self.rate_since(pool, now), self.day_start(pool, now)];
        let mut spent: BTreeMap<Timestamp, Vec<QuotaUsage>> = BTreeMap::new();
        for start in pools.iter().flat_map(starts).collect::<BTreeSet<_>>() {
            spent.insert(start, self.store.usage_since(start).await?);
        }
        let view = |pool: PoolStatus| {
            let since = self.rate_since(&pool, now);
            let of = |start: &Timestamp| self.drawing_on(&pool, spent.get(start).map_or(&[], Vec::as_slice));
            let targets = of(&since).map(|spent| spent.targets).sum();
            let undecided = of(&self.day_start(&pool, now)).map(|spent| spent.undecided).sum();
            let unreserved = pool.available.saturating_sub(pool.reserved);
            let runs_out_at = runs_out_at(unreserved, RecentUsage { targets, since }, pool.resets_at, now);
            PoolDetails { undecided, runs_out_at, pool }
        };
        Ok(pools.into_iter().map(view).collect())
    }

    fn rate_since(&self, pool: &PoolStatus, now: Timestamp) -> Timestamp {
        self.day_start(pool, now).max(now - RATE_SPAN)
    }

    fn day_start(&self, pool: &PoolStatus, now: Timestamp) -> Timestamp {
        self.engine_status.day(&pool.account).map_or(now - RATE_SPAN, |day| day.start(now))
    }

    fn drawing_on<'a>(&self, pool: &PoolStatus, spent: &'a [QuotaUsage]) -> impl Iterator<Item = &'a QuotaUsage> {
        let draws = |spent: &&QuotaUsage| {
            let names: Vec<PoolName> = self.engine_status.pools_of(&spent.lane);
            spent.lane.account == pool.account && names.contains(&pool.name)
        };
        spent.iter().filter(draws).collect::<Vec<_>>().into_iter()
    }
}
