//! `refreshd config`: what the daemon would say of its configuration, without starting it.

use std::io;

use clap::Subcommand;

use crate::cli::arg_values::ConfigFile;
use crate::cli::exit;
use crate::cli::output::terminal;
use crate::cli::output::wire::{CheckReport, ProblemLine};
use crate::config::{Config, ConfigError, ConfigProblem, environment};
use crate::daemon::provider_limits;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd config check --config /etc/refreshd/refreshd.toml
  refreshd config show";

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say ok, or name everything that is wrong (exit code 78)
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// Print {"ok": …, "warnings": […], "problems": [{"key", "detail"}]}
        #[arg(long)]
        json: bool,
    },
    /// Print what is in force as TOML, without secrets
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Print the same as JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: &ConfigCommand) -> io::Result<u8> {
    let (ConfigCommand::Check { file, .. } | ConfigCommand::Show { file, .. }) = command;
    let loaded = Config::load(file.config.as_deref(), environment(), provider_limits);
    let code = if loaded.is_ok() { exit::SUCCEEDED } else { exit::BAD_CONFIGURATION };
    match (command, loaded) {
        (ConfigCommand::Check { json: true, .. }, loaded) => terminal::print_json(&report(loaded))?,
        (_, Err(fault)) => terminal::note(&fault.to_string()),
        (ConfigCommand::Show { json: true, .. }, Ok(config)) => terminal::print_json(&config.shown_json())?,
        (ConfigCommand::Show { .. }, Ok(config)) => terminal::print(&config.effective_toml())?,
        (ConfigCommand::Check { .. }, Ok(config)) => {
            for warning in &config.warnings {
                terminal::note(&format!("warning: {warning}"));
            }
            terminal::print("ok\n")?;
        }
    }
    Ok(code)
}

fn report(loaded: Result<Config, ConfigError>) -> CheckReport {
    let line = |problem: ConfigProblem| ProblemLine { key: problem.key, detail: problem.detail };
    match loaded {
        Ok(config) => CheckReport { ok: true, warnings: config.warnings, problems: Vec::new() },
        Err(fault) => {
            CheckReport { ok: false, warnings: Vec::new(), problems: fault.problems.into_iter().map(line).collect() }
        }
    }
}
