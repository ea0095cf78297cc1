//! Shares of the day quotas: what a tenant may still draw, and who waits for tomorrow because of it.

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqlitePool;
use sqlx::{Row, SqliteConnection};

use super::batch::Candidate;
use super::deferral::Deferral;
use crate::domain::{SubmissionId, Target, TenantName, Timestamp, WaitingReason};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::jobs::read;
use crate::store::sqlite::writer::command;
use crate::store::{StoreError, TenantShare, TenantSpending};

/// The candidates within the shares of their tenants; the others wait for the reset.
pub(crate) async fn limit_to_quota(
    candidates: Vec<Candidate>,
    shares: &[TenantShare],
    db: &mut SqliteConnection,
) -> Result<(Vec<Candidate>, Vec<Deferral>), StoreError> {
    if shares.is_empty() || candidates.is_empty() {
        return Ok((candidates, Vec::new()));
    }
    let items: Vec<i64> = candidates.iter().map(|candidate| candidate.item).collect();
    let rows: Vec<(i64, String)> =
        sqlx::query_as(sql!("item_tenants.sql")).bind(columns::json(&items)?).fetch_all(&mut *db).await?;
    let tenants: HashMap<i64, String> = rows.into_iter().collect();
    let mut targets: HashMap<&str, HashSet<Target>> = HashMap::new();
    let mut waits: HashMap<&str, i64> = HashMap::new();
    let (mut within, mut deferrals) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let tenant = tenants.get(&candidate.item).map_or("", String::as_str);
        let Some(share) = shares.iter().find(|share| share.tenant.as_str() == tenant) else {
            within.push(candidate);
            continue;
        };
        let used = targets.entry(share.tenant.as_str()).or_default();
        if used.contains(&candidate.target) || (used.len() as u64) < share.remaining {
            used.insert(candidate.target.clone());
            within.push(candidate);
            continue;
        }
        let wait = match waits.get(share.tenant.as_str()) {
            Some(wait) => *wait,
            None => command::upsert_wait(WaitingReason::DayQuota, &share.detail, &mut *db).await?,
        };
        waits.insert(share.tenant.as_str(), wait);
        deferrals.push(Deferral::wait(&candidate, share.until, wait));
    }
    Ok((within, deferrals))
}

/// Remembers who pays for the places of a submission.
pub(crate) async fn record_attribution(
    submission: SubmissionId,
    placed: &[i64],
    shares: &[TenantShare],
    db: &mut SqliteConnection,
) -> Result<(), StoreError> {
    if shares.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = shares.iter().map(|share| share.tenant.as_str()).collect();
    sqlx::query(sql!("insert_quota_attributions.sql"))
        .bind(submission.0)
        .bind(columns::json(&placed)?)
        .bind(columns::json(&tenants)?)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn usage_since(since: Timestamp, db: &SqlitePool) -> Result<Vec<TenantSpending>, StoreError> {
    let rows = sqlx::query(sql!("tenant_usage_by_lane.sql")).bind(since.as_millis()).fetch_all(db).await?;
    let spending = rows.iter().map(|row| {
        let tenant = TenantName::new(row.try_get::<String, _>("tenant")?);
        Ok(TenantSpending { lane: read::decode_lane(row)?, tenant, targets: columns::count(row, "targets")? })
    });
    spending.collect()
}
