//! What a handler returns to close the connection without an answer.

/// The connection is closed without a byte of answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct DroppedConnectionError;
