//! Which targets were named: on the command line, in a file, on standard input. Nothing is guessed from their form.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::CliError;

/// The longest body that a daemon reads (CONTRACT §1, "Limits"): a longer list could not be sent.
const LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Likely mistakes that are named; more are only counted.
const DOUBTS_NAMED_MAX: usize = 3;

/// All targets in the order in which they were named, as they were written.
pub(super) fn read(named: &[String], file: Option<&Path>) -> Result<Vec<String>, CliError> {
    let mut targets = named.to_vec();
    let Some(path) = file else { return Ok(targets) };
    let (name, text) = if path == Path::new("-") {
        ("standard input".to_owned(), text(io::stdin().lock()))
    } else {
        (path.display().to_string(), File::open(path).and_then(text))
    };
    let text = text.map_err(|error| CliError::Usage(format!("{name} cannot be read: {error}")))?;
    targets.extend(lines(&text).map(str::to_owned));
    if targets.is_empty() {
        return Err(CliError::Usage(format!("{name} names no URL: one a line is expected")));
    }
    Ok(targets)
}

fn text(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(LIST_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIST_BYTES_MAX {
        return Err(io::Error::other("it is longer than the 32 MiB that one job may have; make it several jobs"));
    }
    Ok(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().map(|line| line.trim_matches([' ', '\t'])).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What to ask about URLs that look like directories but were not said to be.
pub(super) fn doubts(urls: &[String]) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    let mut unnamed = 0;
    for url in urls.iter().filter(|url| is_doubtful(url)) {
        if doubts.len() < DOUBTS_NAMED_MAX {
            doubts.push(format!("{url}: this refreshes one object; add --dir for everything below it"));
        } else {
            unnamed += 1;
        }
    }
    if unnamed > 0 {
        doubts.push(format!("{unnamed} more URLs end in / and refresh one object each"));
    }
    doubts
}

/// Ends in a slash below the host. The home page is a usual thing to refresh alone.
fn is_doubtful(url: &str) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    path.is_some_and(|(_, path)| path.ends_with('/') && !path.contains('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_target_on_each_line_that_says_something() {
        let text = "\u{feff}https://h/a\r\n\n  # not this\nhttps://h/b c \t\n#https://h/d\nhttps://h/e#f";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["https://h/a", "https://h/b c", "https://h/e#f"]);
    }

    #[test]
    fn a_file_adds_to_what_was_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        std::fs::write(&path, "https://h/b\n").expect("written");
        let named = ["https://h/a".to_owned()];
        assert_eq!(read(&named, Some(&path)).expect("readable"), ["https://h/a", "https://h/b"]);
    }

    #[test]
    fn a_list_that_names_nothing_or_cannot_be_read_is_a_usage_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        for (content, text) in [(Some(&b"# nothing\n\n"[..]), "names no URL"), (Some(b"\xff"), "UTF-8"), (None, "list")]
        {
            match content {
                Some(content) => std::fs::write(&path, content).expect("written"),
                None => std::fs::remove_file(&path).expect("removed"),
            }
            let fault = read(&[], Some(&path)).expect_err("nothing to read");
            assert!(fault.exit_code() == 2 && fault.to_string().contains(text), "{fault}");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_asked_about_but_for_the_home_page() {
        let urls = ["https://h/", "https://h", "https://h/a", "https://h/?a=/", "https://h/a?b=/"].map(str::to_owned);
        assert_eq!(doubts(&urls), Vec::<String>::new());
        let urls = ["a", "b", "c", "d", "e"].map(|name| format!("https://h/{name}/"));
        let doubts = doubts(&urls);
        assert_eq!(doubts[0], "https://h/a/: this refreshes one object; add --dir for everything below it");
        assert_eq!((doubts.len(), doubts[3].as_str()), (4, "2 more URLs end in / and refresh one object each"));
    }
}
