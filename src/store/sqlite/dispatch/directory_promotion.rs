//! What promotion asks: who waits next in a lane, what of it is asked for already, and how often it was done today.

use sqlx::Row;
use sqlx::sqlite::SqlitePool;

use crate::domain::{Lane, LaneId, Priority, Target, TenantName, Timestamp};
use crate::store::StoreError;
use crate::store::sqlite::codec::{columns, target_key};
use crate::store::sqlite::jobs::read::decode_target;

pub(crate) async fn lane_heads(
    lane: LaneId,
    limit: u32,
    db: &SqlitePool,
) -> Result<Vec<(Target, Priority)>, StoreError> {
    let rows = sqlx::query(sql!("next_items.sql")).bind(lane.0).bind(limit).fetch_all(db).await?;
    rows.iter().map(|row| Ok((decode_target(row)?, columns::priority(row.try_get("priority")?)?))).collect()
}

pub(crate) async fn pending_targets(
    lane: &Lane,
    targets: &[Target],
    db: &SqlitePool,
) -> Result<Vec<Target>, StoreError> {
    let number: Option<i64> = sqlx::query_scalar(
        "select id from lanes where account = $1 and operation = $2 and kind = $3 and area = $4 and mode = $5",
    )
    .bind(lane.account.as_str())
    .bind(lane.operation.as_str())
    .bind(lane.kind.as_str())
    .bind(lane.area.as_str())
    .bind(lane.mode.map_or("", |mode| mode.as_str()))
    .fetch_optional(db)
    .await?;
    let Some(number) = number else { return Ok(Vec::new()) };
    let keyed: Vec<_> = targets.iter().map(|target| (target_key::of(target.as_str()), target.as_str())).collect();
    let rows = sqlx::query(sql!("pending_targets.sql")).bind(number).bind(columns::json(&keyed)?).fetch_all(db).await?;
    rows.iter().map(decode_target).collect()
}

pub(crate) async fn jobs_since(
    tenant: &TenantName,
    since: Timestamp,
    limit: u32,
    db: &SqlitePool,
) -> Result<u32, StoreError> {
    let jobs: i64 = sqlx::query_scalar(sql!("jobs_since.sql"))
        .bind(tenant.as_str())
        .bind(since.as_millis())
        .bind(limit)
        .fetch_one(db)
        .await?;
    Ok(u32::try_from(jobs).unwrap_or(u32::MAX))
}
