//! STUB, to be replaced. The daemon.

use std::process::ExitCode;

use super::arguments::ServeArguments;
use super::terminal;

pub(super) async fn run(_arguments: &ServeArguments) -> ExitCode {
    terminal::note("refreshd: not built yet");
    ExitCode::from(70)
}
