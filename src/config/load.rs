//! Loads the configuration: merges its layers, reads every section, and reports all problems at once.

use std::collections::HashMap;
use std::path::Path;

use super::error::ConfigError;
use super::provider::{ProviderKind, ProviderLimits};
use super::reader::ConfigReader;
use super::settings::Config;
use super::{layers, sections};

/// Read if no file is named and this one exists.
pub const DEFAULT_FILE: &str = "/etc/refreshd/refreshd.toml";

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

    pub(super) fn read(
        file: Option<&Path>,
        env: HashMap<String, String>,
        limits_of: fn(ProviderKind) -> ProviderLimits,
    ) -> Result<Self, ConfigError> {
        let state_folder = env.get("STATE_DIRECTORY").cloned();
        let mut problems = Vec::new();
        let leaves = layers::leaves(file, env, &mut problems);
        let mut reader = ConfigReader::new(leaves, problems, limits_of);
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
