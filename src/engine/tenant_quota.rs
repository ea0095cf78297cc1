//! Tenant quotas: which part of each day quota a tenant may use, however much of it is left. Urgent items count like all
//! others, or every item would soon be urgent.

use super::account::Account;
use crate::domain::{Lane, PoolName, TenantName, Timestamp};
use crate::store::{Store, StoreError, TenantShare, TenantSpending};

/// What the tenants with a share may still use of the lane's pools.
pub(super) async fn tenant_shares(
    account: &Account,
    lane: &Lane,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Vec<TenantShare>, StoreError> {
    if account.shares.is_empty() {
        return Ok(Vec::new());
    }
    let day = account.provider.capabilities().day;
    let usage = store.tenant_usage_since(day.start(now)).await?;
    let names = account.provider.pools(lane);
    let totals: Vec<(PoolName, u64)> = account
        .pool_usages()
        .into_iter()
        .map(|usage| (usage.reading.name, usage.reading.total))
        .filter(|(name, _)| names.contains(name))
        .collect();
    let share = |(tenant, part): (&TenantName, &f64)| {
        let remaining = |(name, total): &(PoolName, u64)| {
            (part_of(*total, *part).saturating_sub(used_by(account, tenant, name, &usage)), name.clone())
        };
        let (count, pool) = totals.iter().map(remaining).min()?;
        let percent = (part * 100.0).round();
        let detail = format!("tenant {tenant} has used its share ({percent} %) of the day quota {pool}");
        Some(TenantShare { tenant: tenant.clone(), remaining: count, until: day.next_reset(now), detail })
    };
    Ok(account.shares.iter().filter_map(share).collect())
}

fn used_by(account: &Account, tenant: &TenantName, pool: &PoolName, usage: &[TenantSpending]) -> u64 {
    let counts = |one: &&TenantSpending| {
        one.tenant == *tenant && one.lane.account == account.name && account.provider.pools(&one.lane).contains(pool)
    };
    usage.iter().filter(counts).map(|one| one.targets).sum()
}

/// Rounded down, but a share is never nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "quotas are far below 2^52, and a part lies between 0 and 1"
)]
fn part_of(total: u64, part: f64) -> u64 {
    ((total as f64 * part) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_the_total() {
        assert_eq!([part_of(10_000, 0.3), part_of(100, 0.999), part_of(2, 0.1), part_of(7, 1.0)], [3_000, 99, 1, 7]);
    }
}
