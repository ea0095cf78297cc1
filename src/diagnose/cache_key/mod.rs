//! Under which key an edge keeps a URL, and therefore which URLs are one object and which purge would miss the object that
//! people mean. What the provider does not document is a warning, never a refusal.

use std::collections::HashMap;

use super::path_rules::{applies, extension};
use crate::domain::{Target, TargetKind};
use crate::provider::{CacheKey, DomainFacts, KeyShape, QueryAction, QueryRule};

/// Something about a target that may keep its refresh from reaching the object that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWarning {
    /// A stable word for programs.
    pub code: &'static str,
    /// In one or two plain sentences.
    pub detail: String,
    /// What to refresh instead, or besides.
    pub offer: Option<String>,
}

/// What the edge tells objects of one host apart by, as far as the provider told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheObjectKey {
    host: String,
    /// Only where http and https are kept apart.
    scheme: Option<String>,
    path: String,
    query: Option<String>,
}

/// The key of a URL. A directory's key is that of its own page.
#[must_use]
pub fn object_key(facts: &DomainFacts, target: &Target) -> CacheObjectKey {
    let url = RequestedUrl::of(target);
    let (path, query) = keyed_parts(&shape(facts, url.path), &url);
    let apart = facts.cache_key.as_ref().and_then(|key| key.scheme) == Some(true);
    CacheObjectKey { host: target.host().to_owned(), scheme: apart.then(|| url.scheme.to_owned()), path, query }
}

/// The URL that stands for all that share the target's key. A directory stands for itself.
#[must_use]
pub fn representative(facts: &DomainFacts, target: &Target) -> Target {
    if target.kind() == TargetKind::Directory {
        return target.clone();
    }
    let url = RequestedUrl::of(target);
    let (path, query) = keyed_parts(&shape(facts, url.path), &url);
    let text = url.with(&path, query.as_deref());
    Target::parse(TargetKind::Url, &text).unwrap_or_else(|_| target.clone())
}

/// Which URLs are one object: the places of each group of two or more, in their order. One of each is enough. Directories are
/// left out.
pub fn same_object<'a>(targets: impl Iterator<Item = (usize, &'a DomainFacts, &'a Target)>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut group_of: HashMap<CacheObjectKey, usize> = HashMap::new();
    for (place, facts, target) in targets.filter(|(_, _, target)| target.kind() == TargetKind::Url) {
        let group = *group_of.entry(object_key(facts, target)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(place);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// What is odd about the target, given how its domain keys its objects. None for nearly every target.
#[must_use]
pub fn warnings(facts: &DomainFacts, target: &Target) -> Vec<KeyWarning> {
    let url = RequestedUrl::of(target);
    let mut warnings = by_spelling(&url, target.kind());
    if target.kind() == TargetKind::Url {
        warnings.extend(by_key(facts, &url));
    }
    warnings
}

/// Odd by its spelling alone, whatever the domain's configuration.
#[must_use]
pub fn spelling_warnings(target: &Target) -> Vec<KeyWarning> {
    by_spelling(&RequestedUrl::of(target), target.kind())
}

/// A target cut at its delimiters.
struct RequestedUrl<'a> {
    scheme: &'a str,
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> RequestedUrl<'a> {
    fn of(target: &'a Target) -> Self {
        let (scheme, rest) = target.as_str().split_once("://").unwrap_or(("https", target.as_str()));
        let (host, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        Self { scheme, host, path, query }
    }

    fn with(&self, path: &str, query: Option<&str>) -> String {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}://{}{path}{query}", self.scheme, self.host)
    }
}

/// What counts of a path and its query, borrowed: it is made for each of a job's targets.
#[derive(Default)]
struct KeyPattern<'a> {
    query_counts: Option<bool>,
    ignore_case: Option<bool>,
    query: Option<&'a QueryRule>,
}

impl<'a> From<&'a KeyShape> for KeyPattern<'a> {
    fn from(shape: &'a KeyShape) -> Self {
        let &KeyShape { query_counts, ignore_case, ref query } = shape;
        Self { query_counts, ignore_case, query: query.as_ref() }
    }
}

/// How the key of a path is made: the domain's way, or that of the last rule for the path. What a rule does not tell is the
/// domain's.
fn shape<'a>(facts: &'a DomainFacts, path: &str) -> KeyPattern<'a> {
    let Some(CacheKey { common, rules, .. }) = &facts.cache_key else { return KeyPattern::default() };
    let common = KeyPattern::from(common);
    let Some((_, own)) = rules.iter().rfind(|(rule, _)| applies(rule, path) == Some(true)) else { return common };
    let own = KeyPattern::from(own);
    let query = if own.query_counts.is_some() || own.query.is_some() { own.query } else { common.query };
    KeyPattern {
        query_counts: own.query_counts.or(common.query_counts),
        ignore_case: own.ignore_case.or(common.ignore_case),
        query,
    }
}

/// The path and as much of the query as count. Where nothing is told, everything counts.
fn keyed_parts(shape: &KeyPattern<'_>, url: &RequestedUrl<'_>) -> (String, Option<String>) {
    let folded = shape.ignore_case == Some(true);
    // Only the path: whether a query is folded too is not documented, and to take two objects for one would lose a purge.
    let path = if folded { lowered(url.path) } else { url.path.to_owned() };
    let query = url.query.and_then(|query| match (shape.query_counts, shape.query) {
        (Some(true), _) | (None, None) => Some(query.to_owned()),
        (Some(false), None) => None,
        (_, Some(rule)) => filtered(rule, query),
    });
    (path, query)
}

/// Percent-escapes keep their case: what they mean does not change with it, but what they are may.
fn lowered(path: &str) -> String {
    let mut escape = 0_u8;
    let lower = |c: char| {
        if c == '%' {
            escape = 2;
        } else if escape > 0 {
            escape -= 1;
            return c;
        }
        c.to_ascii_lowercase()
    };
    path.chars().map(lower).collect()
}

fn filtered(rule: &QueryRule, query: &str) -> Option<String> {
    let named = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or(pair);
        rule.names.iter().any(|text| text == name)
    };
    let pairs = query.split('&');
    let mut pairs: Vec<&str> = match rule.action {
        QueryAction::IncludeAll | QueryAction::Other(_) => pairs.collect(),
        QueryAction::ExcludeAll => Vec::new(),
        QueryAction::Include => pairs.filter(named).collect(),
        QueryAction::Exclude => pairs.filter(|pair| !named(pair)).collect(),
    };
    if rule.reorder {
        pairs.sort_unstable();
    }
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn by_key(facts: &DomainFacts, url: &RequestedUrl<'_>) -> Vec<KeyWarning> {
    let mut warnings = Vec::new();
    let shape = shape(facts, url.path);
    let (path, query) = keyed_parts(&shape, url);
    let offer = || Some(url.with(&path, query.as_deref()));
    let sorted = |text: &str| {
        let mut pairs: Vec<&str> = text.split('&').collect();
        pairs.sort_unstable();
        pairs.join("&")
    };
    match (url.query, &query) {
        (Some(_), None) => warnings.push(KeyWarning {
            code: "query_ignored",
            detail: "The CDN keeps one copy of this path whatever its query, so one refresh without the query is enough; whether one with it finds the copy is not documented.".to_owned(),
            offer: offer(),
        }),
        (Some(written), Some(stored)) if sorted(written) != sorted(stored) => warnings.push(KeyWarning {
            code: "query_partly_ignored",
            detail: format!("Of the query only {} counts; URLs that differ in the rest are one cached copy.", clipped(stored)),
            offer: offer(),
        }),
        (Some(written), Some(entry)) if written != entry => warnings.push(KeyWarning {
            code: "query_reordered",
            detail: "The order of the query's parameters does not count; the CDN keeps one copy for all orders.".to_owned(),
            offer: offer(),
        }),
        _ => {}
    }
    if path != url.path {
        warnings.push(KeyWarning {
            code: "case_ignored",
            detail:
                "The CDN takes upper and lower case of this path for the same and keeps one copy, under lower case."
                    .to_owned(),
            offer: offer(),
        });
    }
    if facts.cache_key.as_ref().and_then(|key| key.scheme) == Some(true) {
        let other = if url.scheme == "https" { "http" } else { "https" };
        warnings.push(KeyWarning {
            code: "scheme_apart",
            detail: format!(
                "This domain keeps {} and {other} copies apart; this refresh leaves the {other} copy as it is.",
                url.scheme
            ),
            offer: Some(RequestedUrl { scheme: other, ..*url }.with(url.path, url.query)),
        });
    }
    warnings
}

fn by_spelling(url: &RequestedUrl<'_>, kind: TargetKind) -> Vec<KeyWarning> {
    let mut warnings = Vec::new();
    let plain = plain(url.path);
    if plain != url.path {
        warnings.push(KeyWarning {
            code: "escape_spelling",
            detail: "The path spells some characters as escapes in an unusual way (such as %7E for ~, or %c3 for %C3); a copy kept under the usual spelling is another one.".to_owned(),
            offer: Some(url.with(&plain, url.query)),
        });
    }
    if url.path.contains("//") {
        warnings.push(KeyWarning {
            code: "double_slash",
            detail: "The path has two slashes in a row, often from joining a base URL with a path; copies are kept under the path with one.".to_owned(),
            offer: Some(url.with(&single_slashed(url.path), url.query)),
        });
    }
    let bare = url.path.trim_end_matches('/');
    if url.path.ends_with('/') && extension(bare).is_some_and(is_file_ending) {
        let what = if kind == TargetKind::Directory { "a directory" } else { "a page of its own" };
        warnings.push(KeyWarning {
            code: "slash_after_file",
            detail: format!("The path ends like a file but for its last slash, so it names {what}, not the file."),
            offer: Some(url.with(bare, url.query)),
        });
    }
    warnings
}

/// Dots are common in names of directories too (`/v1.2/`); these endings are not.
fn is_file_ending(ending: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "avif", "css", "csv", "gif", "gz", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "map", "mjs", "mp3",
        "mp4", "pdf", "php", "png", "svg", "ts", "ttf", "txt", "wasm", "webm", "webp", "woff", "woff2", "xml", "zip",
    ];
    ENDINGS.iter().any(|text| ending.eq_ignore_ascii_case(text))
}

/// Unreserved characters as themselves, all other escapes in upper case (RFC 3986, 6.2.2).
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = code.filter(|_| after.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)) else {
            plain.push('%');
            rest = after;
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            plain.push(char::from(byte));
        } else {
            // A dot stays as it is, or the path could become another one.
            plain.push_str(&format!("%{byte:02X}"));
        }
        rest = &after[2..];
    }
    plain + rest
}

fn single_slashed(path: &str) -> String {
    let mut single = path.to_owned();
    while single.contains("//") {
        single = single.replace("//", "/");
    }
    single
}

fn clipped(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    if text.chars().count() <= CHARS_MAX {
        return format!("\"{text}\"");
    }
    format!("\"{}…\"", text.chars().take(CHARS_MAX).collect::<String>())
}

#[cfg(test)]
mod tests;
