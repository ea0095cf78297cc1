//! The only place that writes to the terminal: data to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use serde::Serialize;

/// Writes the command's result.
pub(crate) fn print(text: &str) -> io::Result<()> {
    ignore_broken_pipe(write_out(escape_controls(text).as_bytes()))
}

/// Writes one line of JSON, byte for byte.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    ignore_broken_pipe(stream_json(value))
}

/// The same for one line of many: a closed pipe is an error, so that the command stops.
pub(crate) fn stream_json(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    write_out(&line)
}

/// The reader of the output may close it early (`| head`): that is no failure.
fn ignore_broken_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Writes a message to standard error, if that is still open.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape_controls(text));
}

/// Text from a provider, an origin or a file could move the cursor or hide lines, so control characters are escaped.
fn escape_controls(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut rendered = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
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
