//! Who wants a look at the edge, and what was seen there.

use async_trait::async_trait;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};

use super::codec::columns;
use super::codec::columns::{count, moment};
use super::codec::proof_json;
use super::jobs::read::job_id;
use super::writer::command::Change;
use crate::domain::Timestamp;
use crate::store::{DueVerification, EventKind, HostScan, ItemVerdict, JobRef, StoreError, VerificationRecord};

pub(super) async fn due(
    limit: u32,
    now: Timestamp,
    db: &SqlitePool,
) -> Result<(Vec<DueVerification>, Option<Timestamp>), StoreError> {
    let rows = sqlx::query(sql!("due_verifications.sql")).bind(now.as_millis()).bind(limit).fetch_all(db).await?;
    let due = rows.iter().map(|row| decode(row, now)).collect::<Result<_, StoreError>>()?;
    let next: Option<i64> = sqlx::query_scalar("select min(verify_due_at) from jobs where verify_due_at > $1")
        .bind(now.as_millis())
        .fetch_one(db)
        .await?;
    Ok((due, next.map(Timestamp::from_millis)))
}

pub(super) async fn due_by_host(
    walk: &HostScan,
    now: Timestamp,
    db: &SqlitePool,
) -> Result<(Vec<DueVerification>, Option<String>), StoreError> {
    let rows = sqlx::query(sql!("due_verifications_by_host.sql"))
        .bind(now.as_millis())
        .bind(&walk.after)
        .bind(walk.hosts)
        .bind(walk.each)
        .fetch_all(db)
        .await?;
    let ended_at = match rows.last() {
        Some(last) if last.try_get::<u32, _>("place")? >= walk.hosts => Some(last.try_get("walked")?),
        _ => None,
    };
    let mut due = Vec::new();
    for row in &rows {
        if row.try_get::<Option<i64>, _>("id")?.is_some() {
            due.push(decode(row, now)?);
        }
    }
    Ok((due, ended_at))
}

fn decode(row: &SqliteRow, now: Timestamp) -> Result<DueVerification, StoreError> {
    Ok(DueVerification {
        job: JobRef(row.try_get("id")?),
        id: job_id(row, "public_id")?,
        host: row.try_get("verify_host")?,
        finished_at: moment(row, "finished_at")?.unwrap_or(now),
        looks: count(row, "verify_looks")?,
    })
}

pub(super) struct RecordVerification {
    pub(super) job: JobRef,
    pub(super) seen: VerificationRecord,
    pub(super) now: Timestamp,
}

#[async_trait]
impl Change for RecordVerification {
    type Output = ();

    async fn apply(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        let verdicts: Vec<_> = self
            .seen
            .verdicts
            .iter()
            .map(|ItemVerdict { item, verification, reason, proof }| {
                let proof = proof.as_ref().map(proof_json::written);
                (item.0, verification.as_str(), reason, self.now.as_millis(), proof)
            })
            .collect();
        sqlx::query(sql!("insert_verdicts.sql"))
            .bind(columns::json(&verdicts)?)
            .bind(self.job.0)
            .execute(&mut *db)
            .await?;
        match &self.seen.end {
            Ok((verification, message)) => {
                sqlx::query(sql!("end_verification.sql"))
                    .bind(self.job.0)
                    .bind(verification.as_str())
                    .bind(self.now.as_millis())
                    .bind(EventKind::Verified.as_str())
                    .bind(message)
                    .bind(EventKind::Repurged.as_str())
                    .bind(&self.seen.repurged)
                    .execute(db)
                    .await?;
            }
            Err(again_at) => {
                sqlx::query(
                    "update jobs set verify_due_at = $2, verify_looks = verify_looks + 1 \
                     where id = $1 and verification = 'pending'",
                )
                .bind(self.job.0)
                .bind(again_at.as_millis())
                .execute(db)
                .await?;
            }
        }
        Ok(())
    }
}
