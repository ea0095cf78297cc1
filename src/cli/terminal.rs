//! The one place that writes to the terminal.

use std::io::Write;

/// Says something to the person on stderr; a closed stderr is nobody to tell.
pub(super) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
