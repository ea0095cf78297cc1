//! Targets that people take for one another: another case, slash, index page, query, escapes or scheme. A refresh of one leaves
//! the copy of the other, unless the domain's cache key says that they are one.

use super::cache_key::object_key;
use crate::domain::{JobId, Target, TargetKind};
use crate::provider::DomainFacts;

/// What a job named instead of the URL that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearTarget {
    pub job: JobId,
    pub named: Target,
    pub how: NearRelation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NearRelation {
    /// Another spelling of the same page, as people see it.
    Spelling,
    /// A folder above, written as a URL: only its own page was refreshed.
    FolderAsUrl,
}

impl NearRelation {
    /// How `named`, which a job refreshed, relates to `target`. None: they have nothing to do with each other, or are one object.
    #[must_use]
    pub fn between(target: &Target, named: &Target, facts: Option<&DomainFacts>) -> Option<Self> {
        if named.kind() != TargetKind::Url || named.as_str() == target.as_str() || named.host() != target.host() {
            return None;
        }
        if facts.is_some_and(|facts| object_key(facts, named) == object_key(facts, target)) {
            return None;
        }
        let path = |target: &Target| without_scheme(target.as_str()).to_owned();
        if named.as_str().ends_with('/') && path(target).starts_with(&path(named)) && !is_same_page(target, named) {
            return Some(Self::FolderAsUrl);
        }
        is_same_page(target, named).then_some(Self::Spelling)
    }
}

fn is_same_page(one: &Target, other: &Target) -> bool {
    page(one.as_str()) == page(other.as_str())
}

/// What the spellings of a page have in common.
fn page(url: &str) -> String {
    let text = without_scheme(url).split('?').next().unwrap_or_default().to_ascii_lowercase();
    let mut page = String::with_capacity(text.len());
    for part in text.split('/').filter(|part| !part.is_empty()) {
        page.push('/');
        page.push_str(part);
    }
    let index = ["/index.html", "/index.htm", "/index.php"].iter().find_map(|index| page.strip_suffix(index));
    index.map_or(page.clone(), str::to_owned)
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(target: &str, named: &str) -> Option<NearRelation> {
        let url = |text| Target::parse(TargetKind::Url, text).expect("valid");
        NearRelation::between(&url(target), &url(named), None)
    }

    #[test]
    fn spellings_of_one_page_are_near() {
        for (target, named) in [
            ("https://h.example/App.js", "https://h.example/app.js"),
            ("https://h.example/", "https://h.example/index.html"),
            ("https://h.example/docs/index.html", "https://h.example/docs"),
            ("https://h.example/docs/", "https://h.example/docs"),
            ("https://h.example//img/a.svg", "https://h.example/img/a.svg"),
            ("https://h.example/a.js?v=2", "https://h.example/a.js"),
            ("https://h.example/a.js?a=1&b=2", "https://h.example/a.js?b=2&a=1"),
            ("https://h.example/caf%C3%A9.js", "https://h.example/caf%c3%a9.js"),
            ("https://h.example/a.js", "http://h.example/a.js"),
        ] {
            assert_eq!(relation(target, named), Some(NearRelation::Spelling), "{target} {named}");
            assert_eq!(relation(named, target), Some(NearRelation::Spelling), "{named} {target}");
        }
    }

    #[test]
    fn a_folder_as_a_url_covers_nothing_below_it() {
        assert_eq!(relation("https://h.example/img/a.svg", "https://h.example/img/"), Some(NearRelation::FolderAsUrl));
        assert_eq!(relation("https://h.example/img/a.svg", "https://h.example/"), Some(NearRelation::FolderAsUrl));
    }

    #[test]
    fn other_pages_are_not_near() {
        for (target, named) in [
            ("https://h.example/a.js", "https://h.example/b.js"),
            ("https://h.example/a.js", "https://h.example/a.js"),
            ("https://h.example/a.js", "https://other.example/a.js"),
            ("https://h.example/img/a.svg", "https://h.example/im"),
        ] {
            assert_eq!(relation(target, named), None, "{target} {named}");
        }
    }
}
