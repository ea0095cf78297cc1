//! The cache key: what of a URL tells one object from another, by the domain's `CacheKey`, and which rule of a list
//! applies to a path.

use super::wire::{CacheKeySetup, KeyRule, QueryAction, QueryString, RuleType, Switch};
use crate::sandbox::edge::cache::{EdgeObjectKey, EdgeScheme};

/// What of a key decides, from the domain or from the last rule that fits.
struct KeyShapeSetup<'a> {
    full_url_cache: Switch,
    ignore_case: Switch,
    query: &'a QueryString,
}

impl CacheKeySetup {
    /// The key of a URL, of which `path` has its query.
    pub(crate) fn object_key(&self, scheme: EdgeScheme, host: &str, path: &str) -> EdgeObjectKey {
        let (bare, query) = path.split_once('?').map_or((path, None), |(bare, query)| (bare, Some(query)));
        let shape = self.shape_of(bare);
        let query = query.and_then(|query| shape.query_in_key(query));
        let path = query.map_or_else(|| bare.to_owned(), |query| format!("{bare}?{query}"));
        let folded = shape.ignore_case.is_on();
        let path = if folded { path.to_ascii_lowercase() } else { path };
        EdgeObjectKey { host: host.to_owned(), path, folded, scheme: self.scheme.switch.is_on().then_some(scheme) }
    }

    fn shape_of(&self, path: &str) -> KeyShapeSetup<'_> {
        let applies = |rule: &&KeyRule| fits_path(rule.rule_type, &rule.rule_paths, path);
        match self.key_rules.iter().rfind(applies) {
            Some(rule) => KeyShapeSetup {
                full_url_cache: rule.full_url_cache,
                ignore_case: rule.ignore_case,
                query: &rule.query_string,
            },
            None => KeyShapeSetup {
                full_url_cache: self.full_url_cache,
                ignore_case: self.ignore_case,
                query: &self.query_string,
            },
        }
    }
}

impl KeyShapeSetup<'_> {
    /// `None`: the query is no part of the key.
    fn query_in_key(&self, query: &str) -> Option<String> {
        if self.full_url_cache.is_on() {
            return Some(query.to_owned());
        }
        if !self.query.switch.is_on() {
            return None;
        }
        let listed: Vec<&str> = self.query.value.as_deref().unwrap_or("").split(';').map(str::trim).collect();
        let counts = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or(pair);
            match self.query.action {
                None | Some(QueryAction::IncludeAll) => true,
                Some(QueryAction::ExcludeAll) => false,
                Some(QueryAction::IncludeCustom) => listed.contains(&name),
                Some(QueryAction::ExcludeCustom) => !listed.contains(&name),
            }
        };
        let mut pairs: Vec<&str> = query.split('&').filter(counts).collect();
        if self.query.reorder.is_some_and(Switch::is_on) {
            pairs.sort_unstable();
        }
        (!pairs.is_empty()).then(|| pairs.join("&"))
    }
}

/// `path` is without its query. Case counts, as it does at the origin.
pub(super) fn fits_path(kind: RuleType, rule_paths: &[String], path: &str) -> bool {
    match kind {
        RuleType::All => true,
        RuleType::Index => path == "/",
        RuleType::File => rule_paths.iter().any(|ending| path.rsplit_once('.').is_some_and(|(_, is)| is == ending)),
        RuleType::Directory => rule_paths.iter().any(|directory| is_below(path, directory)),
        RuleType::Path => rule_paths.iter().any(|text| matches(path, text)),
    }
}

/// A directory is written with or without its final slash.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// A whole path, in which one `*` stands for anything: `/test/*.jpg`.
fn matches(path: &str, text: &str) -> bool {
    match text.split_once('*') {
        None => path == text,
        Some((before, after)) => {
            path.len() >= before.len() + after.len() && path.starts_with(before) && path.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn path(setup: Value, url: &str) -> String {
        let key: CacheKeySetup = serde_json::from_value(setup).unwrap();
        key.object_key(EdgeScheme::Http, "www.example.com", url).path
    }

    #[test]
    fn queries_count_as_the_domain_says() {
        let query = |action: &str, value: &str| json!({"FullUrlCache": "off", "QueryString": {"Switch": "on", "Action": action, "Value": value}});
        let url = "/a?v=2&u=1&t";
        for (setup, text) in [
            (json!({}), "/a?v=2&u=1&t"),
            (json!({"FullUrlCache": "off"}), "/a"),
            (query("includeAll", ""), "/a?v=2&u=1&t"),
            (query("excludeAll", ""), "/a"),
            (query("includeCustom", "v; t"), "/a?v=2&t"),
            (query("excludeCustom", "v"), "/a?u=1&t"),
            (json!({"FullUrlCache": "off", "QueryString": {"Switch": "on", "Reorder": "on"}}), "/a?t&u=1&v=2"),
        ] {
            assert_eq!(path(setup.clone(), url), text, "{setup}");
        }
    }

    #[test]
    fn the_last_rule_that_fits_goes_before_the_domain() {
        let rule = |paths: &str, case: &str| json!({"RulePaths": [paths], "RuleType": "directory", "FullUrlCache": "off", "IgnoreCase": case});
        let setup = json!({"IgnoreCase": "on", "KeyRules": [rule("/img", "off"), rule("/img/old/", "on")]});
        assert_eq!(path(setup.clone(), "/A?B"), "/a?b");
        assert_eq!(path(setup.clone(), "/img/A?B"), "/img/A");
        assert_eq!(path(setup, "/img/old/A?B"), "/img/old/a");
    }

    #[test]
    fn the_scheme_counts_only_if_the_domain_says_so() {
        let key = |setup: Value, scheme| {
            let key: CacheKeySetup = serde_json::from_value(setup).unwrap();
            key.object_key(scheme, "www.example.com", "/")
        };
        assert_eq!(key(json!({}), EdgeScheme::Http), key(json!({}), EdgeScheme::Https));
        let split = json!({"Scheme": {"Switch": "on"}});
        assert_ne!(key(split.clone(), EdgeScheme::Http), key(split, EdgeScheme::Https));
    }

    #[test]
    fn rules_fit_by_their_kind() {
        let fits = |kind, rule: &str, path| fits_path(kind, &[rule.to_owned()], path);
        assert!(fits(RuleType::All, "*", "/a"));
        assert!(fits(RuleType::Index, "/", "/") && !fits(RuleType::Index, "/", "/a"));
        assert!(fits(RuleType::File, "jpg", "/a/b.jpg") && !fits(RuleType::File, "jpg", "/a/bjpg"));
        for directory in ["/img", "/img/"] {
            assert!(fits(RuleType::Directory, directory, "/img/a.png"));
            assert!(!fits(RuleType::Directory, directory, "/img-2/a.png"));
        }
        assert!(fits(RuleType::Path, "/a/*.jpg", "/a/x/y.jpg") && !fits(RuleType::Path, "/a/*.jpg", "/b/x.jpg"));
        assert!(fits(RuleType::Path, "/a", "/a") && !fits(RuleType::Path, "/a", "/a/"));
    }
}
