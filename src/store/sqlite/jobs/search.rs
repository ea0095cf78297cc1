//! Finding jobs by what a person at hand may know of them.

use sqlx::sqlite::SqlitePool;

use super::read::decode_job;
use crate::domain::{JobStatus, Operation, TenantName, Timestamp};
use crate::store::{Job, JobFilter, StoreError};

pub(crate) async fn jobs(
    filter: &JobFilter,
    before: Option<i64>,
    limit: u32,
    db: &SqlitePool,
) -> Result<Vec<Job>, StoreError> {
    let (label, value) = filter.label.clone().unzip();
    let exactly = filter.exactly.as_ref();
    let rows = sqlx::query(sql!("find_jobs.sql"))
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .bind(filter.tenant.as_ref().map(TenantName::as_str))
        .bind(filter.status.map(JobStatus::as_str))
        .bind(filter.operation.map(Operation::as_str))
        .bind(&filter.host)
        .bind(&filter.target)
        .bind(label)
        .bind(value)
        .bind(&filter.source)
        .bind(filter.since.map(Timestamp::as_millis))
        .bind(filter.until.map(Timestamp::as_millis))
        .bind(&filter.task_id)
        .bind(exactly.map(|exactly| &exactly.text))
        .bind(exactly.and_then(|exactly| exactly.job).map(|id| id.as_u128().to_be_bytes().to_vec()))
        .bind(exactly.and_then(|exactly| exactly.target.as_ref()))
        .fetch_all(db)
        .await?;
    rows.iter().map(decode_job).collect()
}
