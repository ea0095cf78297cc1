//! The numbers behind names, and the next ones to give. The writer alone makes them, so it need not ask the file each time.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use crate::domain::{Lane, TenantName};
use crate::store::{NewJob, StoreError};

/// Row numbers of names that are committed, and the next numbers to give.
#[derive(Default)]
pub(crate) struct IdCache {
    pub(crate) tenants: HashMap<TenantName, i64>,
    pub(crate) lanes: HashMap<Lane, i64>,
    pub(crate) next: Option<NextIds>,
    /// Whether the next event's number is above every job's.
    pub(crate) events_follow: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct NextIds {
    pub(crate) job: i64,
    pub(crate) item: i64,
}

impl IdCache {
    pub(crate) async fn next_ids(&mut self, db: &mut SqliteConnection) -> Result<NextIds, StoreError> {
        if let Some(next) = self.next {
            return Ok(next);
        }
        let row = sqlx::query(sql!("next_ids.sql")).fetch_one(db).await?;
        Ok(NextIds { job: row.try_get("job")?, item: row.try_get("item")? })
    }

    /// Jobs and events share one sequence of numbers. Before events are written, theirs go on behind the last job's; and after them
    /// the next job's is not known any more.
    pub(crate) async fn expect_events(&mut self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        self.next = None;
        if !self.events_follow {
            let moved = sqlx::query(sql!("event_ids_ahead_of_jobs.sql")).execute(db).await?.rows_affected();
            if moved != 1 {
                return Err(StoreError::Damaged("the numbers of events".to_owned()));
            }
            self.events_follow = true;
        }
        Ok(())
    }

    pub(crate) async fn tenant(&mut self, tenant: &TenantName, db: &mut SqliteConnection) -> Result<i64, StoreError> {
        if let Some(id) = self.tenants.get(tenant) {
            return Ok(*id);
        }
        sqlx::query("insert or ignore into tenants (name) values ($1)").bind(tenant.as_str()).execute(&mut *db).await?;
        let id =
            sqlx::query_scalar("select id from tenants where name = $1").bind(tenant.as_str()).fetch_one(db).await?;
        self.tenants.insert(tenant.clone(), id);
        Ok(id)
    }

    pub(crate) async fn lane(&mut self, lane: &Lane, db: &mut SqliteConnection) -> Result<i64, StoreError> {
        if let Some(id) = self.lanes.get(lane) {
            return Ok(*id);
        }
        let id = sqlx::query_scalar(sql!("upsert_lane.sql"))
            .bind(lane.account.as_str())
            .bind(lane.operation.as_str())
            .bind(lane.kind.as_str())
            .bind(lane.area.as_str())
            .bind(lane.mode.map_or("", |mode| mode.as_str()))
            .fetch_one(db)
            .await?;
        self.lanes.insert(lane.clone(), id);
        Ok(id)
    }
}

impl NextIds {
    /// Numbers for a job and, in one unbroken run, for its items.
    pub(crate) fn take(&mut self, job: &NewJob) -> Self {
        let taken = *self;
        self.job += 1;
        self.item += i64::from(job.item_count());
        taken
    }
}
