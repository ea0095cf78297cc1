//! The memory on one SQLite file: WAL, every commit synced, one writer, readers apart.

pub(super) mod codec;
mod diagnoses;
pub(super) mod dispatch;
pub(super) mod jobs;
mod open;
mod retention;
mod store;
pub(super) mod submissions;
pub(super) mod tokens;
mod verification;
mod writer;

pub use open::OpenError;
pub use store::SqliteStore;
pub use tokens::token_file::{NewToken, TokenFile};
