//! The binary: nothing but a call of the library.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    ExitCode::from(refreshd::cli::run(refreshd::cli::Cli::parse()).await)
}
