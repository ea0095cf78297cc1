//! Jobs and their items: creating, reading, searching, cancelling.

pub(super) mod cancel;
pub(super) mod create;
pub(super) mod read;
pub(super) mod search;
