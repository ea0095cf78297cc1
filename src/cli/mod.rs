//! The commands.

pub mod serve;
mod terminal;
pub mod token;

use clap::Parser;

use crate::telemetry;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "refreshd", version)]
pub enum Cli {
    /// The daemon
    Serve {
        #[arg(long, value_name = "FILE")]
        config: Option<std::path::PathBuf>,
    },
    /// Who may ask
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// Runs a command and tells the exit code.
pub async fn run(cli: Cli) -> u8 {
    match cli {
        Cli::Serve { config } => {
            let _ = telemetry::init(telemetry::Format::of_stderr());
            let _ = rustls::crypto::ring::default_provider().install_default();
            serve::run(config.as_deref()).await
        }
        Cli::Token(command) => token::run(command).await,
    }
}
