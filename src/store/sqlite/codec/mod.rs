//! How domain values are written in columns, and read back.

pub(super) mod columns;
pub(super) mod proof_json;
#[macro_use]
pub(super) mod statement;
pub(super) mod target_key;
pub(super) mod warnings_json;
