//! The memory on one SQLite file: WAL, every commit synced, one writer, readers apart.

#[macro_use]
mod codec;
mod diagnoses;
mod dispatch;
mod jobs;
mod open;
mod retention;
mod store;
mod submissions;
mod tokens;
mod verification;
mod writer;

pub use codec::statement::with_codes;
pub use open::OpenError;
pub use store::SqliteStore;
pub use tokens::token_file::{NewToken, TokenFile};
