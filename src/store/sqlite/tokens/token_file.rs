//! Tokens in the database file, changed by a command that does not own it: the daemon may run beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Connection, Row, SqliteConnection};

use super::pepper;
use crate::domain::{TenantName, Timestamp, Token, TokenId};
use crate::store::sqlite::codec::columns::{count, moment};
use crate::store::sqlite::open;
use crate::store::sqlite::open::OpenError;
use crate::store::{LiveTokens, Pepper, Revocation, StoreError, TokenRecord};

/// How long another process may take to bring the schema up to date before we give up.
const MIGRATION_LOOKS_MAX: u32 = 100;
const MIGRATION_LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The tokens of a database that a daemon may be using.
pub struct TokenFile {
    path: PathBuf,
    connection: SqliteConnection,
}

/// What a new token is to be.
#[derive(Debug)]
pub struct NewToken {
    pub name: String,
    pub tenant: TenantName,
    pub scopes: crate::domain::Scopes,
    pub weight: u32,
    pub expires_at: Option<Timestamp>,
}

impl TokenFile {
    /// Opens the file, makes it if it is missing. The schema is brought up to date only if nobody owns the database:
    /// a daemon must not have its tables changed under it.
    ///
    /// # Errors
    /// It is damaged or newer than this program, a daemon of an older version owns it, or it cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        for look in 1.. {
            let mut connection = open::connect_guest(path).await?;
            if open::is_current(path, &mut connection).await? {
                return Ok(Self { path: path.to_owned(), connection });
            }
            match open::migrate_unowned(path, &mut connection).await {
                Ok(()) => return Ok(Self { path: path.to_owned(), connection }),
                // Whoever has it may be migrating it at this moment.
                Err(OpenError::Owned(_)) if look < MIGRATION_LOOKS_MAX => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(MIGRATION_LOOK_INTERVAL).await;
        }
        Err(OpenError::Owned(path.to_owned()))
    }

    /// Keeps a token. When this returns, it is on stable storage.
    ///
    /// # Errors
    /// The pepper's file or the database cannot be read or written.
    pub async fn create(&mut self, token: &Token, new: &NewToken, now: Timestamp) -> Result<(), StoreError> {
        let failed = |error: std::io::Error| StoreError::Database(error.into());
        if pepper::read(&self.path).map_err(failed)?.is_none() && self.has_live().await? {
            // A new one would shut out everybody who bears a token of the old one, without a word.
            return Err(pepper_missing(&self.path));
        }
        let pepper = pepper::read_or_make(&self.path).map_err(failed)?;
        sqlx::query(sql!("insert_token.sql"))
            .bind(token.id().as_u64().to_be_bytes().to_vec())
            .bind(&new.name)
            .bind(new.tenant.as_str())
            .bind(pepper.hash(token).to_vec())
            .bind(new.scopes.to_string())
            .bind(new.weight)
            .bind(now.as_millis())
            .bind(new.expires_at.map(Timestamp::as_millis))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    async fn has_live(&mut self) -> Result<bool, StoreError> {
        let live = "select exists (select * from tokens where revoked_at is null)";
        Ok(sqlx::query_scalar::<_, i64>(live).fetch_one(&mut self.connection).await? > 0)
    }

    /// Every token that was ever made, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&mut self) -> Result<Vec<TokenRecord>, StoreError> {
        let rows = sqlx::query("select * from tokens order by id").fetch_all(&mut self.connection).await?;
        rows.iter().map(decode).collect()
    }

    /// # Errors
    /// The database cannot be written.
    pub async fn revoke(&mut self, id: TokenId, now: Timestamp) -> Result<Revocation, StoreError> {
        let public_id = id.as_u64().to_be_bytes().to_vec();
        let revoked = sqlx::query("update tokens set revoked_at = $2 where public_id = $1 and revoked_at is null")
            .bind(&public_id)
            .bind(now.as_millis())
            .execute(&mut self.connection)
            .await?;
        if revoked.rows_affected() > 0 {
            return Ok(Revocation::Revoked);
        }
        let count: i64 = sqlx::query_scalar("select count(*) from tokens where public_id = $1")
            .bind(&public_id)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(if count > 0 { Revocation::Before } else { Revocation::Unknown })
    }

    /// Closes the file; without a daemon beside, its log is folded into it.
    pub async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(error = %error, "the database did not close cleanly");
        }
    }
}

/// What the daemon knows tokens by.
pub(crate) async fn live(database: &Path, db: &SqlitePool) -> Result<LiveTokens, StoreError> {
    let rows = sqlx::query("select * from tokens where revoked_at is null").fetch_all(db).await?;
    let tokens = rows.iter().map(decode).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(LiveTokens { pepper: if tokens.is_empty() { None } else { Some(pepper_of(database).await?) }, tokens })
}

async fn pepper_of(database: &Path) -> Result<Pepper, StoreError> {
    let path = database.to_owned();
    let read = tokio::task::spawn_blocking(move || pepper::read(&path)).await;
    let pepper = read.map_err(|error| StoreError::Database(error.into()))?;
    let pepper = pepper
        .map_err(|error| StoreError::Damaged(format!("{}.pepper cannot be read ({error})", database.display())))?;
    pepper.ok_or_else(|| pepper_missing(database))
}

fn pepper_missing(database: &Path) -> StoreError {
    let file = database.display();
    StoreError::Damaged(format!(
        "{file}.pepper is missing, so no token can be checked; restore it, or revoke the tokens and make new ones"
    ))
}

fn decode(row: &SqliteRow) -> Result<TokenRecord, StoreError> {
    let public_id: Vec<u8> = row.try_get("public_id")?;
    let public_id: [u8; 8] = public_id.try_into().map_err(|_| StoreError::Damaged("a token's id".to_owned()))?;
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(TokenRecord {
        id: TokenId::from_u64(u64::from_be_bytes(public_id)),
        name: row.try_get("name")?,
        tenant: TenantName::new(row.try_get::<String, _>("tenant")?),
        hash: hash.try_into().map_err(|_| StoreError::Damaged("a token's hash".to_owned()))?,
        scopes: crate::store::sqlite::codec::columns::word(row, "scopes")?,
        weight: count(row, "weight")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
    })
}
