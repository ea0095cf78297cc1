//! The binary: nothing but a call of the library.

use std::process::ExitCode;

use refreshd::{cli, runtime};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().collect()) {
        Ok(command) => match runtime::start() {
            Ok(runtime) => runtime.block_on(cli::run(command)),
            Err(error) => cli::not_started(&error),
        },
        Err(code) => code,
    }
}
