//! The configuration: read once at start; any problem stops the start.
//! `config/default.toml` is the default and explains every key; a file and the environment override it.

mod account;
mod dump;
mod error;
mod layers;
mod load;
mod parse;
mod probe;
mod provider;
mod reader;
mod sections;
mod settings;
#[cfg(test)]
mod tests;
mod verify;

pub use account::{AccountConfig, KeyPair};
pub use error::{ConfigError, ConfigProblem};
pub use layers::DEFAULT;
pub use load::{DEFAULT_FILE, environment};
pub(crate) use parse::{DURATION, duration};
pub use provider::{ProviderKind, ProviderLimits};
pub use settings::{
    AuthMode, CaFile, Config, EngineConfig, IdempotencyConfig, MetricsConfig, MonitorConfig, ProbeConfig, QuotaConfig,
    ServerConfig, StoreConfig, VerifyConfig,
};
