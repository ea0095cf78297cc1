//! The only place that writes: data to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// Writes text that is the answer to what was asked.
pub(crate) fn print(text: &str) -> io::Result<()> {
    forgiving(write_out(escape_controls(text).as_bytes()))
}

/// Writes one line of JSON, byte for byte.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    forgiving(stream_json(value))
}

/// The same for one line of many: a reader that left is an error, because there is no sense in going on.
pub(crate) fn stream_json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    write_out(&line)
}

/// Whoever read the output may have seen enough and left (`| head`): that is no failure.
fn forgiving(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Tells a person something beside the answer. If standard error is gone there is nobody to tell.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape_controls(text));
}

/// Text from a provider, an origin or a file could move the cursor or hide lines: control characters are shown, not
/// obeyed.
fn escape_controls(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n';
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut rendered = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) {
            rendered.extend(c.escape_default());
        } else {
            rendered.push(c);
        }
    }
    Cow::Owned(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_is_shown_and_not_obeyed() {
        assert_eq!(escape_controls("a\nü"), "a\nü");
        assert_eq!(escape_controls("a\u{1b}[2Jb\rc\u{9b}d"), "a\\u{1b}[2Jb\\rc\\u{9b}d");
    }
}
