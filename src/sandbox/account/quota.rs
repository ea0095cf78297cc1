//! Day quotas: a pool for each kind of task and area, spent by calls and whole again at midnight, UTC+8.

use std::collections::BTreeMap;

use crate::domain::Timestamp;
use crate::sandbox::api::task::TaskKind;
use crate::sandbox::api::time_formats;
use crate::sandbox::domain_config::domain::Area;

/// What the account may do. The two areas start with the same figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaOptions {
    pub urls: u64,
    pub directories: u64,
    pub prefetches: u64,
    pub batch_urls: u64,
    pub batch_directories: u64,
    pub batch_prefetches: u64,
    /// Calls of one action in a second.
    pub calls_per_second: u32,
}

impl Default for QuotaOptions {
    fn default() -> Self {
        Self {
            urls: 10_000,
            directories: 100,
            prefetches: 1_000,
            batch_urls: 1_000,
            batch_directories: 500,
            batch_prefetches: 500,
            calls_per_second: 20,
        }
    }
}

/// One pool as the control endpoint and tests see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulatedPool {
    pub kind: TaskKind,
    pub area: Area,
    pub batch: u64,
    pub total: u64,
    pub spent: u64,
}

impl SimulatedPool {
    #[must_use]
    pub const fn available(&self) -> u64 {
        self.total.saturating_sub(self.spent)
    }
}

/// A change from outside the API: another total or batch limit, and what the console or other tools have spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolChange {
    pub kind: TaskKind,
    /// `Global` changes both pools.
    pub area: Area,
    pub total: Option<u64>,
    pub batch: Option<u64>,
    /// Added to what is spent today.
    pub spend: u64,
}

#[derive(Debug)]
pub(crate) struct QuotaLedger {
    day: i64,
    pools: BTreeMap<(TaskKind, Area), QuotaPool>,
}

#[derive(Debug, Clone, Copy)]
struct QuotaPool {
    batch: u64,
    total: u64,
    spent: u64,
}

impl QuotaLedger {
    pub(crate) fn new(options: &QuotaOptions, now: Timestamp) -> Self {
        let mut pools = BTreeMap::new();
        for (kind, total, batch) in [
            (TaskKind::PurgeUrl, options.urls, options.batch_urls),
            (TaskKind::PurgePath, options.directories, options.batch_directories),
            (TaskKind::Push, options.prefetches, options.batch_prefetches),
        ] {
            for area in Area::Global.parts() {
                pools.insert((kind, *area), QuotaPool { batch, total, spent: 0 });
            }
        }
        Self { day: time_formats::quota_day(now), pools }
    }

    /// The most that one call may list: the smallest batch of the pools in `area`.
    pub(crate) fn batch(&self, kind: TaskKind, area: Area) -> u64 {
        area.parts().iter().filter_map(|part| self.pools.get(&(kind, *part))).map(|pool| pool.batch).min().unwrap_or(0)
    }

    /// Spends one unit for each of `areas` in each of its parts, or nothing if a pool has too little left.
    /// Returns the units spent, over all pools.
    pub(crate) fn charge(&mut self, kind: TaskKind, areas: &[Area], now: Timestamp) -> Option<u64> {
        self.start_day(now);
        let need = |part: Area| areas.iter().filter(|area| area.covers(part)).count() as u64;
        let needs = Area::Global.parts().iter().map(|part| (*part, need(*part)));
        let needs: Vec<(Area, u64)> = needs.filter(|(_, units)| *units > 0).collect();
        let enough = |(part, units): &(Area, u64)| {
            self.pools.get(&(kind, *part)).is_some_and(|pool| pool.spent + units <= pool.total)
        };
        if !needs.iter().all(enough) {
            return None;
        }
        for (part, units) in &needs {
            self.pool(kind, *part, |pool| pool.spent += units);
        }
        Some(needs.iter().map(|(_, units)| units).sum())
    }

    /// Gives one unit back in each part of `area`, if it was spent today.
    pub(crate) fn refund(&mut self, kind: TaskKind, area: Area, spent_at: Timestamp, now: Timestamp) {
        self.start_day(now);
        if time_formats::quota_day(spent_at) == self.day {
            for part in area.parts() {
                self.pool(kind, *part, |pool| pool.spent = pool.spent.saturating_sub(1));
            }
        }
    }

    pub(crate) fn change(&mut self, change: &PoolChange, now: Timestamp) {
        self.start_day(now);
        for part in change.area.parts() {
            self.pool(change.kind, *part, |pool| {
                pool.total = change.total.unwrap_or(pool.total);
                pool.batch = change.batch.unwrap_or(pool.batch);
                pool.spent = pool.spent.saturating_add(change.spend);
            });
        }
    }

    pub(crate) fn view(&mut self, now: Timestamp) -> Vec<SimulatedPool> {
        self.start_day(now);
        let view = |(&(kind, area), pool): (&(TaskKind, Area), &QuotaPool)| SimulatedPool {
            kind,
            area,
            batch: pool.batch,
            total: pool.total,
            spent: pool.spent,
        };
        self.pools.iter().map(view).collect()
    }

    fn pool(&mut self, kind: TaskKind, part: Area, change: impl FnOnce(&mut QuotaPool)) {
        if let Some(pool) = self.pools.get_mut(&(kind, part)) {
            change(pool);
        }
    }

    fn start_day(&mut self, now: Timestamp) {
        let today = time_formats::quota_day(now);
        if today != self.day {
            self.day = today;
            self.pools.values_mut().for_each(|pool| pool.spent = 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2026-11-22 15:59:59 UTC, a second before the reset.
    const EVENING: Timestamp = Timestamp::from_millis(1_795_363_199_000);

    fn available(quota: &mut QuotaLedger, kind: TaskKind, now: Timestamp) -> Vec<u64> {
        quota.view(now).iter().filter(|pool| pool.kind == kind).map(SimulatedPool::available).collect()
    }

    #[test]
    fn a_global_item_costs_a_unit_in_each_area() {
        let mut quota = QuotaLedger::new(&QuotaOptions::default(), EVENING);
        assert_eq!(quota.charge(TaskKind::PurgePath, &[Area::Global, Area::Overseas], EVENING), Some(3));
        assert_eq!(available(&mut quota, TaskKind::PurgePath, EVENING), [99, 98]);
        assert_eq!(available(&mut quota, TaskKind::PurgeUrl, EVENING), [10_000, 10_000]);
    }

    #[test]
    fn what_does_not_fit_whole_costs_nothing() {
        let mut quota = QuotaLedger::new(&QuotaOptions::default(), EVENING);
        assert_eq!(quota.charge(TaskKind::PurgePath, &[Area::Overseas; 60], EVENING), Some(60));
        assert_eq!(quota.charge(TaskKind::PurgePath, &[Area::Global; 41], EVENING), None);
        assert_eq!(available(&mut quota, TaskKind::PurgePath, EVENING), [100, 40]);
        assert_eq!(quota.charge(TaskKind::PurgePath, &[Area::Global; 40], EVENING), Some(80));
    }

    #[test]
    fn the_quota_is_whole_again_at_midnight_utc_plus_8() {
        let mut quota = QuotaLedger::new(&QuotaOptions::default(), EVENING);
        quota.charge(TaskKind::Push, &[Area::Mainland; 7], EVENING);
        let last_moment = EVENING + Duration::from_millis(999);
        assert_eq!(available(&mut quota, TaskKind::Push, last_moment), [993, 1_000]);
        assert_eq!(available(&mut quota, TaskKind::Push, last_moment + Duration::from_millis(1)), [1_000, 1_000]);
    }

    #[test]
    fn someone_else_can_spend_and_totals_can_shrink() {
        let mut quota = QuotaLedger::new(&QuotaOptions::default(), EVENING);
        let change =
            PoolChange { kind: TaskKind::Push, area: Area::Mainland, total: Some(5), batch: Some(2), spend: 9 };
        quota.change(&change, EVENING);
        assert_eq!(available(&mut quota, TaskKind::Push, EVENING), [0, 1_000]);
        assert_eq!(quota.batch(TaskKind::Push, Area::Global), 2);
        assert_eq!(quota.charge(TaskKind::Push, &[Area::Mainland], EVENING), None);
    }

    #[test]
    fn a_refund_does_not_reach_into_the_next_day() {
        let mut quota = QuotaLedger::new(&QuotaOptions::default(), EVENING);
        let morning = EVENING + Duration::from_secs(1);
        quota.charge(TaskKind::PurgeUrl, &[Area::Mainland], EVENING);
        quota.charge(TaskKind::PurgeUrl, &[Area::Mainland], morning);
        quota.refund(TaskKind::PurgeUrl, Area::Mainland, EVENING, morning);
        assert_eq!(available(&mut quota, TaskKind::PurgeUrl, morning), [9_999, 10_000]);
        quota.refund(TaskKind::PurgeUrl, Area::Mainland, morning, morning);
        assert_eq!(available(&mut quota, TaskKind::PurgeUrl, morning), [10_000, 10_000]);
    }
}
