//! STUB, to be replaced. Everything on loopback.

use std::process::ExitCode;

use super::arguments::DemoArguments;
use super::terminal;

pub(super) async fn run(_arguments: &DemoArguments) -> ExitCode {
    terminal::note("refreshd: not built yet");
    ExitCode::from(70)
}
