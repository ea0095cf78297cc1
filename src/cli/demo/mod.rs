//! `refreshd demo`: a cloud, an origin, an edge and the daemon on loopback, and one real refresh before your eyes.
//! Here alone sandbox and daemon meet, and they meet over sockets. Every line shown was observed, not scripted.

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
    /// Leave after the job, with 0 only if it was seen fresh
    #[arg(long)]
    pub exit: bool,
}

pub(super) async fn run(arguments: &DemoArguments) -> ExitCode {
    // Warnings of the daemon would talk into the story; REFRESHD_LOG brings them back.
    let _ = telemetry::init(LogFormat::of_stderr(), telemetry::FILTER_QUIET);
    let stage = match environment::Environment::build().await {
        Ok(stage) => stage,
        Err(error) => {
            terminal::note(&format!("refreshd demo does not start: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let message = tokio::select! {
        report = script::tell(&stage) => report,
        () = signals::stop_signal() => return ExitCode::from(super::exit::INTERRUPTED),
    };
    let code = match message {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal::note(&format!("refreshd demo broke off: {error:#}"));
            ExitCode::FAILURE
        }
    };
    if !arguments.exit {
        terminal::note("\nEverything stays up until Ctrl-C.");
        signals::stop_signal().await;
    }
    stage.strike().await;
    code
}
