//! The command line of the binary: parses it, runs the command, and ends with its exit code.

mod arg_values;
mod arguments;
mod client;
mod commands;
mod demo;
mod error;
mod exit;
mod output;
mod signals;
mod targets;
#[cfg(test)]
mod test_fixtures;

pub use arguments::{Cli, Command};

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::domain::Operation;
use error::CliError;

/// Parses the command line. `Err`: help, the version or a usage error was printed, and the process ends with this code.
pub fn parse(arguments: Vec<OsString>) -> Result<Cli, ExitCode> {
    let is_server = arguments.get(1).is_some_and(|name| name == "serve" || name == "sandbox");
    Cli::try_parse_from(arguments).map_err(|error| {
        // If standard error is closed, nothing can be reported.
        let _ = error.print();
        match error.exit_code() {
            0 => ExitCode::SUCCESS,
            _ if is_server => ExitCode::from(exit::SERVER_USAGE),
            _ => ExitCode::from(exit::USAGE),
        }
    })
}

pub async fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Purge(arguments) => commands::submit::run(Operation::Purge, &arguments).await,
        Command::Prefetch(arguments) => commands::submit::run(Operation::Prefetch, &arguments).await,
        Command::Refresh(arguments) => commands::submit::run(Operation::Refresh, &arguments).await,
        Command::Job(arguments) => commands::job::run(&arguments).await,
        Command::Quota(arguments) => commands::quota::run(&arguments).await,
        Command::Diagnose(arguments) => commands::diagnose::run(&arguments).await,
        Command::Lanes(arguments) => commands::lanes::run(&arguments).await,
        Command::Jobs(arguments) => commands::jobs::run(&arguments).await,
        Command::Watch(arguments) => return ExitCode::from(commands::watch::run(&arguments).await),
        Command::Cancel(arguments) => commands::cancel::run(&arguments).await,
        Command::Retry(arguments) => return ExitCode::from(commands::retry::run(&arguments).await),
        Command::Config { command } => commands::config::run(&command).map_err(CliError::Output),
        Command::Token { command } => return ExitCode::from(commands::token::run(command).await),
        Command::Doctor(arguments) => return commands::doctor::run(&arguments).await,
        Command::Serve(arguments) => return commands::serve::run(&arguments).await,
        Command::Sandbox(arguments) => return commands::sandbox::run(&arguments).await,
        Command::Demo(arguments) => return demo::run(&arguments).await,
    };
    ExitCode::from(result.unwrap_or_else(|error| error.report()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_opens_with_examples() {
        let mut root = Cli::command();
        root.build();
        for command in root.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let help = command.render_help().to_string();
            assert!(help.starts_with("Examples:\n  refreshd "), "{help}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_a_usage_error() {
        for line in [
            "purge",
            "purge https://h/a --timeout 5m",
            "purge https://h/a --wait --timeout 5",
            "purge https://h/a --mode delete",
            "purge https://h/a --priority high",
            "purge https://h/a --area own",
            "purge https://h/a --label release",
            "purge https://h/a --idempotency-key=a\u{e9}",
            "purge https://h/a --token secret",
            "job 42",
            "purge https://h/a --dry-run --wait",
            "diagnose",
            "diagnose www.example.com/a.js",
            "diagnose job_12",
            "diagnose https://h/a https://h/b",
            "lanes pause",
            "lanes resume main",
            "jobs --limit 0",
            "jobs --status done",
            "jobs --since yesterday",
            "watch 42",
            "watch",
            "cancel",
            "retry job_0192f3a000007000800000000000002a --timeout 5m",
            "sandbox --listen 127.0.0.1:0 --secret-id a",
        ] {
            let words = std::iter::once("refreshd").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
