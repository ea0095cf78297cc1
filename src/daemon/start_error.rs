//! Why the daemon does not start, and the exit code that says so.

use thiserror::Error;

use crate::config::ConfigError;
use crate::store::StoreError;
use crate::store::sqlite::OpenError;

/// Why the daemon does not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Setting(String),
    /// The setting is valid, but what it names is not available now.
    #[error("{0}")]
    Busy(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the work in the database could not be resumed")]
    Store(#[from] StoreError),
}

impl StartError {
    /// The exit code of the contract: 65 damaged or newer database, 75 another daemon owns it, 78 bad configuration. What
    /// may pass without a change is 74 (`EX_IOERR`), so that the service manager starts the daemon again.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Open(OpenError::Owned(_)) => 75,
            Self::Open(OpenError::Newer { .. } | OpenError::Damaged { .. }) => 65,
            Self::Config(_) | Self::Setting(_) | Self::Open(OpenError::Unusable { .. }) => 78,
            Self::Busy(_) | Self::Open(OpenError::Failed { .. }) | Self::Store(_) => 74,
        }
    }
}
