//! STUB, to be replaced. The simulated cloud alone.

use std::process::ExitCode;

use super::arguments::SandboxArguments;
use super::terminal;

pub(super) async fn run(_arguments: &SandboxArguments) -> ExitCode {
    terminal::note("refreshd: not built yet");
    ExitCode::from(70)
}
