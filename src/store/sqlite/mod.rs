//! The memory on one SQLite file: WAL, every commit synced, one writer, readers apart.

mod barriers;
mod batch;
mod cancel;
mod change;
mod claim;
mod codes;
mod company;
mod create;
mod diagnoses;
mod find;
mod forget;
mod names;
mod open;
mod outcome;
mod pause;
mod pepper;
mod promotion;
mod proof;
mod reach;
mod read;
mod ride;
mod ripen;
mod rows;
mod settle;
mod share;
mod store;
mod target_key;
mod token_file;
mod told;
mod verify;
mod writer;

pub use open::OpenError;
pub use store::SqliteStore;
pub use token_file::{NewToken, TokenFile};
