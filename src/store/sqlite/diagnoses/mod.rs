//! Diagnoses: what one begins with, keeping it, finding it again, and forgetting it in time.

use async_trait::async_trait;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::codec::columns::{count, moment, word};
use super::jobs::read::{decode_item, decode_lane};
use super::writer::command::Change;
use crate::domain::{DiagnosisId, JobId, TenantName, Timestamp};
use crate::store::{JobRef, RelevantItem, RetentionCutoff, StoreError, StoredDiagnosis};

/// Ways of failing that are counted; a job with more has other troubles than the rare ones.
const FAILURES_MAX: u32 = 20;

pub(super) async fn telling(
    job: JobRef,
    target: Option<&str>,
    db: &SqlitePool,
) -> Result<Option<RelevantItem>, StoreError> {
    let mut read = db.begin().await?;
    let row =
        sqlx::query(sql!("most_relevant_item.sql")).bind(job.number()).bind(target).fetch_optional(&mut *read).await?;
    let Some(row) = row else { return Ok(None) };
    let failures =
        sqlx::query(sql!("failure_counts.sql")).bind(job.number()).bind(FAILURES_MAX).fetch_all(&mut *read).await?;
    let failures = failures.iter().map(|row| Ok((word(row, "class")?, row.try_get("code")?, count(row, "items")?)));
    Ok(Some(RelevantItem {
        item: decode_item(&row)?,
        lane: decode_lane(&row)?,
        sent_at: moment(&row, "sent_at")?,
        failures: failures.collect::<Result<_, StoreError>>()?,
    }))
}

pub(super) async fn one(
    id: DiagnosisId,
    tenant: Option<&TenantName>,
    db: &SqlitePool,
) -> Result<Option<StoredDiagnosis>, StoreError> {
    let row = sqlx::query("select * from diagnoses where public_id = $1 and ($2 is null or tenant = $2)")
        .bind(id.as_u128().to_be_bytes().to_vec())
        .bind(tenant.map(TenantName::as_str))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(decode).transpose()
}

pub(super) async fn newest_of(job: JobId, db: &SqlitePool) -> Result<Option<StoredDiagnosis>, StoreError> {
    let row = sqlx::query("select * from diagnoses where job_id = $1 order by id desc limit 1")
        .bind(job.as_u128().to_be_bytes().to_vec())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(decode).transpose()
}

fn decode(row: &SqliteRow) -> Result<StoredDiagnosis, StoreError> {
    let job = match row.try_get::<Option<&[u8]>, _>("job_id")? {
        Some(bytes) => Some((JobId::from_u128(number(bytes)?), row.try_get("job_version")?)),
        None => None,
    };
    Ok(StoredDiagnosis {
        id: DiagnosisId::from_u128(number(row.try_get("public_id")?)?),
        tenant: TenantName::new(row.try_get::<String, _>("tenant")?),
        job,
        body: row.try_get("body")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

fn number(bytes: &[u8]) -> Result<u128, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Damaged("an id that has not 16 bytes".to_owned()))?;
    Ok(u128::from_be_bytes(bytes))
}

pub(super) struct InsertDiagnosis(pub(super) StoredDiagnosis);

#[async_trait]
impl Change for InsertDiagnosis {
    type Output = ();

    async fn apply(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        let diagnosis = &self.0;
        sqlx::query(
            "insert into diagnoses (public_id, tenant, job_id, job_version, body, created_at) \
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(diagnosis.id.as_u128().to_be_bytes().to_vec())
        .bind(diagnosis.tenant.as_str())
        .bind(diagnosis.job.map(|(id, _)| id.as_u128().to_be_bytes().to_vec()))
        .bind(diagnosis.job.map(|(_, version)| version))
        .bind(&diagnosis.body)
        .bind(diagnosis.created_at.as_millis())
        .execute(db)
        .await?;
        Ok(())
    }
}

pub(super) struct DeleteExpiredDiagnoses {
    pub(super) outdated: RetentionCutoff,
    pub(super) limit: u32,
}

#[async_trait]
impl Change for DeleteExpiredDiagnoses {
    type Output = u64;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(sql!("delete_expired_diagnoses.sql"))
            .bind(self.outdated.before.as_millis())
            .bind(self.outdated.newest)
            .bind(self.limit)
            .execute(db)
            .await?;
        Ok(forgotten.rows_affected())
    }
}
