//! API tokens and the key that hashes them.

pub(super) mod pepper;
pub(super) mod token_file;
