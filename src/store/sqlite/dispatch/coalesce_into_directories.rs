//! URL purges that a directory purge covers: pending ones below a directory that is being claimed (law 5). They cost no quota, end with the
//! directory's row, and go by themselves if that is not done.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use super::batch::Batch;
use super::eligibility::Eligibility;
use crate::domain::{LaneId, Promotion, SubmissionId, Target, Timestamp};
use crate::store::StoreError;
use crate::store::sqlite::codec::{columns, target_key};
use crate::store::sqlite::jobs::read;

/// Items that one submission covers; more are sent by themselves, or with the next.
const RIDERS_MAX: usize = 10_000;
/// Neighbours in the index that are looked at for a directory, at least.
const LOOK_MIN: usize = 20;
/// How far into each of the lane's priorities deeper URLs are looked for: what leaves with its next calls.
const AHEAD_MAX: u32 = 1_000;

/// `[item, directory's item]`, as `coalesce_items.sql` takes it.
type CoveredItem = (i64, i64);

/// Attaches the URL purges that the batch's directories cover, once those directories are in `submission`.
pub(crate) async fn attach_covered_urls(
    batch: &Batch,
    lane: LaneId,
    submission: SubmissionId,
    now: Timestamp,
    db: &mut SqliteConnection,
) -> Result<(), StoreError> {
    let urls: Option<i64> =
        sqlx::query_scalar(sql!("covered_url_lane.sql")).bind(lane.0).fetch_optional(&mut *db).await?;
    let Some(urls) = urls else { return Ok(()) };
    let rides = rides(batch, LaneId(urls), db).await?;
    if rides.is_empty() {
        return Ok(());
    }
    sqlx::query(sql!("coalesce_items.sql"))
        .bind(columns::json(&rides)?)
        .bind(submission.0)
        .bind(now.as_millis())
        .bind(Promotion::TENANT)
        .execute(&mut *db)
        .await?;
    crate::store::sqlite::writer::command::apply_moves(db, now).await
}

async fn rides(batch: &Batch, urls: LaneId, db: &mut SqliteConnection) -> Result<Vec<CoveredItem>, StoreError> {
    let placed = batch.targets.iter().map(Target::as_str).zip(batch.placed.iter().copied());
    let directories: HashMap<&str, i64> = placed.collect();
    let keys: Vec<(i64, i64)> = directories.keys().map(|directory| target_key::right_below(directory)).collect();
    let look = (RIDERS_MAX / directories.len().max(1)).max(LOOK_MIN);
    let rows = sqlx::query(sql!("items_below_directories.sql"))
        .bind(urls.0)
        .bind(columns::json(&keys)?)
        .bind(i64::try_from(look).unwrap_or(i64::MAX))
        .bind(AHEAD_MAX)
        .fetch_all(&mut *db)
        .await?;
    let mut rides = Vec::new();
    for row in &rows {
        let target = read::decode_target(row)?;
        // The nearest of them.
        let above = target_key::above(target.as_str()).filter_map(|above| directories.get(above)).last();
        if let Some(directory) = above {
            rides.push((target, (row.try_get("id")?, *directory)));
        }
    }
    rides.truncate(RIDERS_MAX);
    // Law 4 holds for covered items too.
    let undecided = Eligibility::held_targets(urls, rides.iter().map(|(target, _)| target.as_str()), db).await?;
    Ok(rides.into_iter().filter(|(target, _)| !undecided.contains(target.as_str())).map(|(_, ride)| ride).collect())
}
