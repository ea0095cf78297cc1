//! What the passing of time alone does: delayed items become due, and pending items pass their deadline.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::domain::Timestamp;
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::writer::command;
use crate::store::sqlite::writer::command::{Change, EventNotice};
use crate::store::{EventKind, StoreError};

/// Items that become due, and items that expire, in one transaction; what is left over is still overdue afterwards. A
/// transaction that moved millions would hold up everyone's commit.
const RIPE_MAX: u32 = 10_000;

pub(crate) struct FireTimers {
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for FireTimers {
    type Output = ();

    async fn apply(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(sql!("expire_items.sql")).bind(self.now.as_millis()).bind(RIPE_MAX).execute(&mut *db).await?;
        let message = "their deadline has passed";
        let notice = EventNotice { kind: EventKind::Expired, message, submission: None, failure: None };
        command::insert_events_for_moves(notice, Some(columns::EXPIRED), db, self.now).await?;
        command::apply_moves(db, self.now).await?;
        sqlx::query(sql!("activate_due_items.sql")).bind(self.now.as_millis()).bind(RIPE_MAX).execute(&mut *db).await?;
        command::apply_moves(db, self.now).await
    }
}
