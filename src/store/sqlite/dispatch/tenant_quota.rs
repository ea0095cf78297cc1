//! Shares of the day quotas: what a tenant may still draw, and who waits for tomorrow because of it.

use std::collections::{HashMap, HashSet};

use sqlx::sqlite::SqlitePool;
use sqlx::{Row, SqliteConnection};

use super::batch::Candidate;
use super::eligibility::Deferral;
use crate::domain::{ErrorClass, Failure, SubmissionId, Target, TenantName, Timestamp};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::jobs::read;
use crate::store::sqlite::writer::command;
use crate::store::{StoreError, TenantShare, TenantSpending};

/// Sets aside what is more than its tenant may draw, and hands back the others.
pub(crate) async fn limit_to_quota(
    heads: Vec<(i64, Candidate)>,
    shares: &[TenantShare],
    now: Timestamp,
    db: &mut SqliteConnection,
) -> Result<(Vec<(i64, Candidate)>, Vec<Deferral>), StoreError> {
    if shares.is_empty() || heads.is_empty() {
        return Ok((heads, Vec::new()));
    }
    let items: Vec<i64> = heads.iter().map(|(_, head)| head.item).collect();
    let rows = sqlx::query(sql!("item_tenants.sql")).bind(columns::json(&items)?).fetch_all(&mut *db).await?;
    let mut tenants: HashMap<i64, String> = HashMap::new();
    for row in &rows {
        tenants.insert(row.try_get("id")?, row.try_get("name")?);
    }
    let mut targets: HashMap<&str, HashSet<Target>> = HashMap::new();
    let mut failures: HashMap<&str, i64> = HashMap::new();
    let (mut may, mut deferrals) = (Vec::new(), Vec::new());
    for (isolation_group, head) in heads {
        let tenant = tenants.get(&head.item).map_or("", String::as_str);
        let Some(share) = shares.iter().find(|share| share.tenant.as_str() == tenant) else {
            may.push((isolation_group, head));
            continue;
        };
        let used = targets.entry(share.tenant.as_str()).or_default();
        if used.contains(&head.target) || (used.len() as u64) < share.remaining {
            used.insert(head.target.clone());
            may.push((isolation_group, head));
            continue;
        }
        let failure = match failures.get(share.tenant.as_str()) {
            Some(failure) => *failure,
            None => {
                let failure = Failure::new(ErrorClass::Quota, Failure::TENANT_SHARE, share.detail.clone());
                command::insert_failure(&failure, &mut *db, now).await?
            }
        };
        failures.insert(share.tenant.as_str(), failure);
        deferrals.push((head.item, columns::DELAYED, isolation_group, Some(share.until.as_millis()), Some(failure)));
    }
    Ok((may, deferrals))
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
