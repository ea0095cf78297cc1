//! The one place that writes to the terminal: data to standard output, everything else to standard error.

use std::io::{self, Write};

use serde::Serialize;

/// Writes text that is the answer to what was asked.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes one line of JSON.
pub(super) fn print_json(value: &impl Serialize) -> io::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value).map_err(io::Error::other)?))
}

/// Says something to the person on stderr; a closed stderr is nobody to tell.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
