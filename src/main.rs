//! The binary: runs the command line of the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match refreshd::cli::parse(std::env::args_os().collect()) {
        Ok(command) => refreshd::cli::run(command).await,
        Err(code) => code,
    }
}
