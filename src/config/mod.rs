//! The configuration (CONTRACT §4): read once at start; any problem stops the start.
//! `config/default.toml` is the default and explains every key; a file and the environment override it.

mod account;
mod dump;
mod error;
mod layers;
mod parse;
mod probe;
mod provider;
mod reader;
mod sections;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;

pub use account::{AccountConfig, KeyPair};
pub use error::{ConfigError, ConfigProblem};
pub use layers::DEFAULT;
pub(crate) use parse::{DURATION, duration};
pub use provider::{ProviderKind, ProviderLimits};

use crate::domain::{AccountName, Promotion, Routes, TenantName};

/// Read if no file is named and this one exists.
pub const DEFAULT_FILE: &str = "/etc/refreshd/refreshd.toml";

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: ServerConfig,
    pub store: StoreConfig,
    pub auth: AuthMode,
    pub accounts: BTreeMap<AccountName, AccountConfig>,
    pub routes: Routes,
    pub engine: EngineConfig,
    pub quota: QuotaConfig,
    pub promote: Promotion,
    pub verify: VerifyConfig,
    pub idempotency: IdempotencyConfig,
    pub probe: ProbeConfig,
    pub patrol: MonitorConfig,
    pub metrics: MetricsConfig,
    /// What is allowed but probably a mistake; logged once at start.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
}

#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The database file; relative to the working folder unless absolute.
    pub path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    Tokens,
    /// No token is needed. Only allowed on a loopback address.
    Open,
}

#[derive(Debug, Clone)]
pub struct EngineConfig {
    pub poll_first: Duration,
    pub poll_max: Duration,
    pub listing_grace: Duration,
    pub task_max_purge: Duration,
    pub task_max_prefetch: Duration,
}

#[derive(Debug, Clone)]
pub struct QuotaConfig {
    /// In `0.0..1.0`.
    pub reserve: f64,
    /// Above 0, at most 1.
    pub shares: BTreeMap<TenantName, f64>,
}

#[derive(Debug, Clone)]
pub struct VerifyConfig {
    pub deadline: Duration,
    pub grace: Duration,
    /// At least 1.
    pub sample: u32,
    pub repurge: bool,
    /// No host has an empty list.
    pub edges: BTreeMap<String, Vec<SocketAddr>>,
    /// For each host, paths that form valid targets with it.
    pub directories: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
pub struct IdempotencyConfig {
    pub keep: Duration,
}

/// Hosts are in the normal form that targets have.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    pub allow: Vec<IpNet>,
    /// Empty: those of this machine.
    pub resolver: Vec<SocketAddr>,
    pub ca_file: Option<CaFile>,
    pub edges: BTreeMap<String, SocketAddr>,
    pub origins: BTreeMap<String, SocketAddr>,
}

/// Additional trusted root certificates, read once.
#[derive(Debug, Clone)]
pub struct CaFile {
    pub path: PathBuf,
    pub roots: Vec<CertificateDer<'static>>,
}

#[derive(Debug, Clone)]
pub struct MonitorConfig {
    pub every: Duration,
}

#[derive(Debug, Clone)]
pub struct MetricsConfig {
    pub listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the layers: the default, `file` (`None`: `DEFAULT_FILE` if it exists), and `env`, usually `environment()`.
    /// `limits_of` returns the limits of a provider.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        limits_of: fn(ProviderKind) -> ProviderLimits,
    ) -> Result<Self, ConfigError> {
        let default = Path::new(DEFAULT_FILE);
        // If its existence cannot be checked, reading the file reports why.
        let file = file.or_else(|| default.try_exists().unwrap_or(true).then_some(default));
        Self::read(file, env.collect(), limits_of)
    }

    fn read(
        file: Option<&Path>,
        env: HashMap<String, String>,
        limits_of: fn(ProviderKind) -> ProviderLimits,
    ) -> Result<Self, ConfigError> {
        let state_folder = env.get("STATE_DIRECTORY").cloned();
        let mut problems = Vec::new();
        let leaves = layers::leaves(file, env, &mut problems);
        let mut reader = reader::ConfigReader::new(leaves, problems, limits_of);
        let config = sections::read(&mut reader, state_folder.as_deref());
        let problems = reader.finish();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems }),
        }
    }
}

/// This process's environment for `Config::load`, without variables that are not Unicode: none of ours is.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
