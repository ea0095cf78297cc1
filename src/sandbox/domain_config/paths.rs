//! Which rule of a list fits a path.

use super::wire::RuleType;

/// `path` is without its query. Case counts, as it does at the origin.
pub(super) fn fits(kind: RuleType, rule_paths: &[String], path: &str) -> bool {
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
    use super::*;

    #[test]
    fn rules_fit_by_their_kind() {
        let fits = |kind, rule: &str, path| fits(kind, &[rule.to_owned()], path);
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
