//! A target is exactly what was written, up to equal forms (law 9). The raw text is checked before any URL parser reads
//! it, because parsers quietly rewrite: tabs vanish, `\` becomes `/`, `0x7f.1` becomes 127.0.0.1.

pub(super) mod fast_path;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use url::{Host, Url};

use super::string_enum::words;
use fast_path::{is_dot_segment, is_plain_host, is_plain_tail};

/// Longest target in bytes, as written and as sent. Edges refuse longer request URLs with 414 (Tencent Cloud CDN,
/// "Status Code Description").
pub const TARGET_BYTES_MAX: usize = 2048;

words!(
    /// A URL is one object; a directory is everything below it. `https://h/` is the home page as a URL and the whole
    /// site as a directory, so the kind is never guessed.
    TargetKind { Url = "url", Directory = "directory" }
);

/// One normalised URL or directory. If it exists, it is valid. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    kind: TargetKind,
    text: Arc<str>,
}

/// Why a text is no target, with the right form where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct TargetError {
    /// A stable word for programs.
    pub code: &'static str,
    /// What is wrong and what to write instead.
    pub detail: String,
}

impl Target {
    /// Reads a target as a client wrote it.
    ///
    /// # Errors
    /// The first fault, with the right form where there is one.
    pub fn parse(kind: TargetKind, raw: &str) -> Result<Self, TargetError> {
        check_characters(raw)?;
        let parts = UrlParts::split(raw)?;
        let host = normal_host(parts.host)?;
        check_port(&parts, &host)?;
        check_path(kind, &parts, &host)?;
        let path = if parts.path.is_empty() { "/" } else { parts.path };
        let text = [parts.scheme, "://", &host, path, parts.query].concat();
        check_length(&text)?;
        if !(is_plain_host(&host) && is_plain_tail(path, parts.query)) {
            check_parsers_agree(&text)?;
        }
        Ok(Self { kind, text: text.into() })
    }

    #[must_use]
    pub const fn kind(&self) -> TargetKind {
        self.kind
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, shared with this target.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        self.text.clone()
    }

    /// The host in lower case, as an A-label where it is international.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.text.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn fault<T>(code: &'static str, detail: impl Into<String>) -> Result<T, TargetError> {
    Err(TargetError { code, detail: detail.into() })
}

fn check_characters(raw: &str) -> Result<(), TargetError> {
    if raw.is_empty() {
        return fault("empty", "a target is empty; write a full URL such as https://www.example.com/app.js");
    }
    check_length(raw)?;
    if let Some(hidden) = raw.chars().find(|c| is_hidden(*c)) {
        return fault(
            "control_character",
            format!("U+{:04X} is a control or zero-width character; remove it", u32::from(hidden)),
        );
    }
    if raw.contains('\\') {
        return fault("backslash", format!("a backslash is no path separator; write {}", raw.replace('\\', "/")));
    }
    if raw.contains('*') {
        return fault(
            "wildcard",
            "* is not a pattern here; name each URL, or purge the directory above it (write %2A for a literal star)",
        );
    }
    Ok(())
}

fn check_length(text: &str) -> Result<(), TargetError> {
    if text.len() > TARGET_BYTES_MAX {
        return fault("too_long", format!("{} bytes; a target has at most {TARGET_BYTES_MAX}", text.len()));
    }
    Ok(())
}

/// Control characters, and those without width or that change the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The raw text cut at its delimiters; nothing is changed but the case of the scheme.
struct UrlParts<'a> {
    scheme: &'static str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    /// With its `?`, or empty.
    query: &'a str,
}

impl<'a> UrlParts<'a> {
    fn split(raw: &'a str) -> Result<Self, TargetError> {
        let (scheme, rest) = match raw.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some((scheme, _)) => {
                return fault("scheme", format!("{scheme:?} is not a scheme of the CDN; write https:// or http://"));
            }
            None => {
                let rest = raw.trim_start_matches('/');
                return fault("scheme", format!("the scheme is missing; write https://{rest} or http://{rest}"));
            }
        };
        if let Some((before, _)) = raw.split_once('#') {
            return fault("fragment", format!("a fragment never reaches the CDN; write {before}"));
        }
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_end);
        if let Some((_, host)) = authority.rsplit_once('@') {
            return fault("userinfo", format!("user names never reach the CDN; write {scheme}://{host}{rest}"));
        }
        if authority.starts_with('[') {
            return fault("host", "an IP address is no acceleration domain; write the domain's name");
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        Ok(Self { scheme, host, port, path, query })
    }
}

/// The host in lower case and, where international, as its A-label.
fn normal_host(raw: &str) -> Result<Cow<'_, str>, TargetError> {
    if raw.is_empty() {
        return fault("host", "the host is missing; write https://www.example.com/path");
    }
    if let Some(host) = raw.strip_suffix('.') {
        return fault("host", format!("the host ends in a dot; write {host}"));
    }
    if is_plain_host(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let written = raw.to_lowercase();
    let host = match Host::parse(&written) {
        Ok(Host::Domain(host)) => host,
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            return fault("host", "an IP address is no acceleration domain; write the domain's name");
        }
        Err(error) => return fault("host", format!("{raw:?} is not a host name ({error})")),
    };
    // The parser maps look-alikes (full-width letters, ligatures) to other letters: only its own round trip is equal.
    let equal = if written.is_ascii() { host == written } else { url::quirks::domain_to_unicode(&host) == written };
    if !equal {
        return fault("host", format!("{raw:?} would be read as another host; if that is meant, write {host}"));
    }
    check_labels(raw, &host)?;
    Ok(Cow::Owned(host))
}

fn check_labels(raw: &str, host: &str) -> Result<(), TargetError> {
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label_fits) {
        return fault(
            "host",
            format!("{raw:?} is not a host name: labels of letters, digits and hyphens, 63 bytes each, 253 in all"),
        );
    }
    Ok(())
}

fn check_port(parts: &UrlParts<'_>, host: &str) -> Result<(), TargetError> {
    let default = if parts.scheme == "https" { "443" } else { "80" };
    match parts.port {
        None => Ok(()),
        Some(port) if port == default => Ok(()),
        Some(port) => fault(
            "port",
            format!(
                "the CDN serves {} on port {default} only, not {port:?}; write {}://{host}{}{}",
                parts.scheme, parts.scheme, parts.path, parts.query
            ),
        ),
    }
}

fn check_path(kind: TargetKind, parts: &UrlParts<'_>, host: &str) -> Result<(), TargetError> {
    let UrlParts { scheme, path, query, .. } = parts;
    if let Some(odd) = path.chars().chain(query.chars()).find(|c| !c.is_ascii_graphic()) {
        let encoded = percent_encoded(path) + &percent_encoded(query);
        return fault("not_encoded", format!("{odd:?} must be percent-encoded; write {scheme}://{host}{encoded}"));
    }
    if path.split('/').any(is_dot_segment) {
        return fault(
            "dot_segment",
            "dot segments (. and ..) are resolved by clients, not by the CDN; write the path itself",
        );
    }
    if kind == TargetKind::Directory {
        if !query.is_empty() {
            return fault(
                "directory_query",
                format!("a directory has no query; write {scheme}://{host}{}", slashed(path)),
            );
        }
        if !path.ends_with('/') {
            return fault(
                "directory_slash",
                format!(
                    "a directory ends in /; write {scheme}://{host}{}, or list it under urls if it is one object",
                    slashed(path)
                ),
            );
        }
    }
    Ok(())
}

fn slashed(path: &str) -> String {
    if path.ends_with('/') { path.to_owned() } else { format!("{path}/") }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The last guard: a client that fetches this target must ask for these very bytes.
fn check_parsers_agree(text: &str) -> Result<(), TargetError> {
    match Url::parse(text) {
        Ok(url) if url.as_str() == text => Ok(()),
        Ok(url) => fault("not_as_written", format!("clients would ask for another URL; write {url}")),
        Err(error) => fault("not_a_url", format!("not a URL: {error}")),
    }
}
