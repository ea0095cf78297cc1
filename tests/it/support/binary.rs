//! The real binary, and how it ended.

use std::process::{Command, Output, Stdio};

/// A command in an empty environment but for the daemon's address.
pub(crate) fn refreshd(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    command.env_clear().env("REFRESHD_URL", url).stdin(Stdio::null());
    command
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn expect(&self, code: i32) {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
    }
}
