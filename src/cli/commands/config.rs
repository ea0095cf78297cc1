//! `refreshd config`: checks or prints the configuration without starting the daemon.

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
    /// Print ok, or every problem (exit code 78)
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// Print {"ok": …, "warnings": […], "problems": [{"key", "detail"}]}
        #[arg(long)]
        json: bool,
    },
    /// Print the configuration in force as TOML, without secrets
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
    let result = Config::load(file.config.as_deref(), environment(), provider_limits);
    let code = if result.is_ok() { exit::SUCCEEDED } else { exit::BAD_CONFIGURATION };
    match (command, result) {
        (ConfigCommand::Check { json: true, .. }, result) => terminal::print_json(&report(result))?,
        (_, Err(error)) => terminal::note(&error.to_string()),
        (ConfigCommand::Show { json: true, .. }, Ok(config)) => terminal::print_json(&config.effective_json())?,
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

fn report(result: Result<Config, ConfigError>) -> CheckReport {
    let line = |problem: ConfigProblem| ProblemLine { key: problem.key, detail: problem.detail };
    match result {
        Ok(config) => CheckReport { ok: true, warnings: config.warnings, problems: Vec::new() },
        Err(error) => {
            CheckReport { ok: false, warnings: Vec::new(), problems: error.problems.into_iter().map(line).collect() }
        }
    }
}
