//! Which paths a provider's rule is for: by extension, directory, full path with `*`, or the home page.

use crate::provider::{PathRule, PathRuleKind};

/// Whether the rule is for `path` (without its query). `None`: a kind of rule that is new to us.
pub(super) fn applies(rule: &PathRule, path: &str) -> Option<bool> {
    let any =
        |fits: &dyn Fn(&str) -> bool| rule.paths.iter().flat_map(|text| text.split(';')).any(|text| fits(text.trim()));
    Some(match rule.kind {
        PathRuleKind::All => true,
        PathRuleKind::File => any(&|ending| has_extension(path, ending)),
        PathRuleKind::Directory => any(&|directory| lies_below(path, directory)),
        PathRuleKind::Path => any(&|pattern| matches(path, pattern)),
        PathRuleKind::Index => path == "/",
        PathRuleKind::Other(_) => return None,
    })
}

/// What follows the last dot of the last segment, if a name stands before it.
pub(super) fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').filter(|(stem, ending)| !stem.is_empty() && !ending.is_empty()).map(|(_, ending)| ending)
}

fn has_extension(path: &str, ending: &str) -> bool {
    extension(path).is_some_and(|text| text.eq_ignore_ascii_case(ending.trim_start_matches(['*', '.'])))
}

fn lies_below(path: &str, directory: &str) -> bool {
    let directory = directory.trim_matches('/');
    let Some(rest) = path.strip_prefix('/') else { return false };
    directory.is_empty() || rest.strip_prefix(directory).is_some_and(|below| below.starts_with('/'))
}

/// `*` stands for any run of characters.
fn matches(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_its_paths_and_no_others() {
        use PathRuleKind::{All, Directory, File, Index, Other, Path};
        for (kind, rule, path, expected) in [
            (All, "*", "/a", Some(true)),
            (File, "jpg;png", "/a/b.PNG", Some(true)),
            (File, ".jpg", "/a.jpg", Some(true)),
            (File, "jpg", "/jpg", Some(false)),
            (File, "jpg", "/a.jpg/b", Some(false)),
            (Directory, "/img", "/img/a", Some(true)),
            (Directory, "/img/", "/img/a/b", Some(true)),
            (Directory, "/img/", "/img-2/a", Some(false)),
            (Directory, "/img/", "/img", Some(false)),
            (Directory, "/", "/a", Some(true)),
            (Path, "/a/b.js", "/a/b.js", Some(true)),
            (Path, "/a/b.js", "/a/b.jsx", Some(false)),
            (Path, "/a/*.js", "/a/x/b.js", Some(true)),
            (Path, "/a/*/c*.js", "/a/b/cd.js", Some(true)),
            (Path, "/a/*.js", "/b/a.js", Some(false)),
            (Index, "/", "/", Some(true)),
            (Index, "/", "/index.html", Some(false)),
            (Other("moon".to_owned()), "/", "/", None),
        ] {
            let rule = PathRule { kind, paths: vec![rule.to_owned()] };
            assert_eq!(applies(&rule, path), expected, "{rule:?} {path}");
        }
    }
}
