//! `refreshd demo`: starts a simulated cloud and a daemon on loopback and shows a real refresh.
//! Only here are sandbox and daemon used together, over sockets. Every printed result was observed.

mod actions;
mod environment;
mod script;

use std::process::ExitCode;

use clap::Args;

use super::output::terminal;
use super::signals;
use crate::telemetry::{self, LogFormat};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd demo
  refreshd demo --exit && echo it works here";

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// End after the job, with code 0 only if it was verified fresh
    #[arg(long)]
    pub exit: bool,
}

pub(super) async fn run(arguments: &DemoArguments) -> ExitCode {
    // The daemon's warnings would interrupt the output; REFRESHD_LOG switches them on.
    let _ = telemetry::init(LogFormat::of_stderr(), telemetry::FILTER_QUIET);
    let environment = match environment::Environment::build().await {
        Ok(environment) => environment,
        Err(error) => {
            terminal::note(&format!("refreshd demo does not start: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let result = tokio::select! {
        result = script::play(&environment) => result,
        () = signals::stop_signal() => return ExitCode::from(super::exit::INTERRUPTED),
    };
    let code = match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal::note(&format!("refreshd demo failed: {error:#}"));
            ExitCode::FAILURE
        }
    };
    if !arguments.exit {
        terminal::note("\nEverything keeps running until Ctrl-C.");
        signals::stop_signal().await;
    }
    environment.stop().await;
    code
}
