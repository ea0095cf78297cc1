//! Holding a lane back and letting it go on. Rows are never removed: they are the audit.

use async_trait::async_trait;
use sqlx::{Row, SqliteConnection};

use crate::domain::{LaneId, Timestamp};
use crate::store::sqlite::codec::columns::moment;
use crate::store::sqlite::writer::command::Change;
use crate::store::{Guarded, LanePause, StoreError};

pub(crate) struct PauseLane {
    pub(crate) lane: LaneId,
    pub(crate) pause: LanePause,
}

#[async_trait]
impl Change for PauseLane {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let paused = sqlx::query(
            "insert into lane_pauses (lane_id, paused_by, paused_at, reason) \
             select id, $2, $3, $4 from lanes where id = $1 \
             on conflict (lane_id) where resumed_at is null do nothing",
        )
        .bind(self.lane.0)
        .bind(&self.pause.by)
        .bind(self.pause.at.as_millis())
        .bind(&self.pause.reason)
        .execute(db)
        .await?;
        Ok(if paused.rows_affected() == 1 { Guarded::Done } else { Guarded::Conflict })
    }
}

pub(crate) struct ResumeLane {
    pub(crate) lane: LaneId,
    pub(crate) by: String,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for ResumeLane {
    type Output = Guarded;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<Guarded, StoreError> {
        let resumed = sqlx::query(
            "update lane_pauses set resumed_by = $2, resumed_at = $3 where lane_id = $1 and resumed_at is null",
        )
        .bind(self.lane.0)
        .bind(&self.by)
        .bind(self.now.as_millis())
        .execute(db)
        .await?;
        Ok(if resumed.rows_affected() == 1 { Guarded::Done } else { Guarded::Conflict })
    }
}

/// Asked inside of a claim: a lane that was paused before sends nothing after, however the two met.
pub(crate) async fn is_paused(lane: LaneId, db: &mut SqliteConnection) -> Result<bool, StoreError> {
    let paused: i64 =
        sqlx::query_scalar("select exists (select 1 from lane_pauses where lane_id = $1 and resumed_at is null)")
            .bind(lane.0)
            .fetch_one(db)
            .await?;
    Ok(paused == 1)
}

pub(crate) fn decode_pause(row: &sqlx::sqlite::SqliteRow) -> Result<Option<LanePause>, StoreError> {
    let Some(at) = moment(row, "paused_at")? else { return Ok(None) };
    Ok(Some(LanePause { by: row.try_get("paused_by")?, at, reason: row.try_get("pause_reason")? }))
}
