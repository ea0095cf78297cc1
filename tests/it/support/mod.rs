//! What integration tests share. Each piece arrives with the first test that needs it.

pub(crate) mod binary;
pub(crate) mod scripted_daemon;
