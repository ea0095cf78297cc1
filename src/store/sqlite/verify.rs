//! What was seen at the edge.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::change::Change;
use super::{codes, proof};
use crate::domain::Timestamp;
use crate::store::{EventKind, ItemVerdict, JobRef, Seen, StoreError};

pub(super) struct RecordVerification {
    pub(super) job: JobRef,
    pub(super) seen: Seen,
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
                let proof = proof.as_ref().map(proof::written);
                (item.0, verification.as_str(), reason, self.now.as_millis(), proof)
            })
            .collect();
        sqlx::query(include_str!("sql/keep_verdicts.sql"))
            .bind(codes::json(&verdicts)?)
            .bind(self.job.0)
            .execute(&mut *db)
            .await?;
        match &self.seen.end {
            Ok((verification, message)) => {
                sqlx::query(include_str!("sql/end_verification.sql"))
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
