//! Forgetting what was promised for a time only.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::writer::command::Change;
use crate::domain::Timestamp;
use crate::store::StoreError;

pub(super) struct DeleteExpiredKeys {
    pub(super) before: Timestamp,
    pub(super) limit: u32,
}

#[async_trait]
impl Change for DeleteExpiredKeys {
    type Output = u64;

    async fn apply(&self, db: &mut SqliteConnection) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(sql!("delete_expired_keys.sql"))
            .bind(self.before.as_millis())
            .bind(self.limit)
            .execute(db)
            .await?;
        Ok(forgotten.rows_affected())
    }
}
