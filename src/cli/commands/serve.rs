//! `refreshd serve`: runs the daemon until SIGTERM or Ctrl-C.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::cli::arg_values::ConfigFile;
use crate::cli::output::terminal;
use crate::cli::{exit, signals};
use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::daemon::{Daemon, provider_limits};
use crate::telemetry::{self, LogFormat, error_chain};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd serve
  refreshd serve --config /etc/refreshd/refreshd.toml";

#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    pub file: ConfigFile,
}

/// Runs the daemon until SIGTERM or SIGINT. A second signal ends it at once.
pub(crate) async fn run(arguments: &ServeArguments) -> ExitCode {
    // Fails if a subscriber is installed already, which is as good.
    let _ = telemetry::init(LogFormat::of_stderr(), telemetry::FILTER_DEFAULT);
    let start = async {
        let config = Config::load(arguments.file.config.as_deref(), config::environment(), provider_limits)?;
        Daemon::start(&config, Arc::new(SystemClock::default())).await
    };
    let daemon = match start.await {
        Ok(daemon) => daemon,
        Err(error) => {
            terminal::note(&format!("refreshd does not start:\n{}", error_chain(&error)));
            return ExitCode::from(error.exit_code());
        }
    };
    tokio::select! {
        () = signals::stop_signal() => {}
        () = daemon.broken() => {
            terminal::note("refreshd ends because a part of it stopped unexpectedly; the log says why, and the next start resumes the work");
            return ExitCode::from(exit::INTERNAL_ERROR);
        }
    }
    tracing::info!("stopping: new jobs are refused, open calls to the provider are finished");
    tokio::select! {
        () = daemon.stop() => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        () = signals::stop_signal() => {
            tracing::warn!("stopped at once by a second signal; the next start asks the provider about open calls");
            ExitCode::from(exit::INTERRUPTED)
        }
    }
}
