//! Reads the targets from the command line, a file or standard input, as they are written.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::CliError;

/// The longest body that a daemon accepts.
const LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Warnings that name their URL; more are only counted.
const WARNINGS_MAX: usize = 3;

/// All targets in their order: first `arguments`, then the lines of `file`.
pub(super) fn read(arguments: &[String], file: Option<&Path>) -> Result<Vec<String>, CliError> {
    let mut targets = arguments.to_vec();
    let Some(path) = file else { return Ok(targets) };
    let (name, text) = if path == Path::new("-") {
        ("standard input".to_owned(), read_text(io::stdin().lock()))
    } else {
        (path.display().to_string(), File::open(path).and_then(read_text))
    };
    let text = text.map_err(|error| CliError::Usage(format!("{name} cannot be read: {error}")))?;
    targets.extend(lines(&text).map(str::to_owned));
    if targets.is_empty() {
        return Err(CliError::Usage(format!("{name} has no URL: expected one URL per line")));
    }
    Ok(targets)
}

fn read_text(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(LIST_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIST_BYTES_MAX {
        return Err(io::Error::other("it is longer than 32 MiB, the limit of one job; split it into several jobs"));
    }
    Ok(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().map(|line| line.trim_matches([' ', '\t'])).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Warnings about URLs that look like directories although `--dir` was not set.
pub(super) fn directory_warnings(urls: &[String]) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    let mut more = 0;
    for url in urls.iter().filter(|url| looks_like_directory(url)) {
        if warnings.len() < WARNINGS_MAX {
            warnings.push(format!("{url}: this refreshes one object; add --dir for everything below it"));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        warnings.push(format!("{more} more URLs end in / and refresh one object each"));
    }
    warnings
}

/// The path ends in a slash. Not the home page, which is often refreshed alone.
fn looks_like_directory(url: &str) -> bool {
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
        let arguments = ["https://h/a".to_owned()];
        assert_eq!(read(&arguments, Some(&path)).expect("readable"), ["https://h/a", "https://h/b"]);
    }

    #[test]
    fn a_list_that_names_nothing_or_cannot_be_read_is_a_usage_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        for (content, text) in [(Some(&b"# nothing\n\n"[..]), "has no URL"), (Some(b"\xff"), "UTF-8"), (None, "list")] {
            match content {
                Some(content) => std::fs::write(&path, content).expect("written"),
                None => std::fs::remove_file(&path).expect("removed"),
            }
            let error = read(&[], Some(&path)).expect_err("nothing to read");
            assert!(error.exit_code() == 2 && error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_asked_about_but_for_the_home_page() {
        let urls = ["https://h/", "https://h", "https://h/a", "https://h/?a=/", "https://h/a?b=/"].map(str::to_owned);
        assert_eq!(directory_warnings(&urls), Vec::<String>::new());
        let urls = ["a", "b", "c", "d", "e"].map(|name| format!("https://h/{name}/"));
        let warnings = directory_warnings(&urls);
        assert_eq!(warnings[0], "https://h/a/: this refreshes one object; add --dir for everything below it");
        assert_eq!((warnings.len(), warnings[3].as_str()), (4, "2 more URLs end in / and refresh one object each"));
    }
}
