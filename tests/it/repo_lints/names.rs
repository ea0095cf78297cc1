//! Plain words: one name for one exported type, errors that are called so, and no bare participle for a name.

use std::collections::BTreeMap;

use super::source::Source;

/// What happened to a thing says nothing of what it is: name the thing.
const PARTICIPLES: [&str; 22] = [
    "told", "said", "kept", "met", "made", "asked", "found", "given", "held", "heard", "felt", "known", "left",
    "judged", "ranked", "worded", "posted", "drawn", "barred", "shown", "looked", "wanted",
];

/// Exported types of the product that share a name.
pub(super) fn exported_twice(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_product()) {
        for (line, text) in source.code.lines().enumerate() {
            if let Some(name) = exported_type(text) {
                places.entry(name.to_owned()).or_default().push(format!("{}:{}", source.path, line + 1));
            }
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice.map(|(name, places)| format!("{name} is exported by {}", places.join(" and "))).collect()
}

/// The type that a line exports, to its folder or further.
fn exported_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scoped) => scoped.split_once(')')?.1,
        None => rest,
    };
    let (kind, name) = rest.trim_start().split_once(' ')?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    ["struct", "enum", "trait", "type", "union"].contains(&kind).then_some(&name[..end]).filter(|name| !name.is_empty())
}

/// A type that is an error by its derive or by its impl ends in `Error`.
pub(super) fn calls_errors_so(source: &Source) -> Vec<String> {
    if !source.is_product() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut derives_error = false;
    for (line, text) in source.code.lines().enumerate() {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let named = words.iter().position(|word| ["struct", "enum"].contains(word)).and_then(|at| words.get(at + 1));
        let implements = text.trim_start().starts_with("impl") && text.contains("Error for ");
        let name = match named {
            Some(name) if derives_error => Some(*name),
            _ if implements => {
                text.split(" for ").nth(1).and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
            }
            _ => None,
        };
        if let Some(name) = name.filter(|name| !name.is_empty() && !name.ends_with("Error")) {
            faults.push(source.fault(line + 1, format!("{name} is an error and does not end in Error")));
        }
        derives_error = (derives_error || (text.contains("derive(") && words.contains(&"Error"))) && named.is_none();
    }
    faults
}

pub(super) fn has_no_bare_participle(source: &Source) -> Vec<String> {
    if !source.is_product() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (line, text) in source.code.lines().enumerate() {
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| PARTICIPLES.contains(word)) {
            faults.push(source.fault(line + 1, format!("{word} does not say what it is; name the thing")));
        }
    }
    faults
}

#[test]
fn a_type_name_that_is_exported_twice_is_caught() {
    let sources = |second: &str| {
        [
            Source::new("src/a/x.rs", "pub struct Call;\nimpl T for Call { type Answer = (); }\n"),
            Source::new("src/b/y.rs", second),
        ]
    };
    let twice = exported_twice(&sources("\npub(super) enum Call { A }"));
    assert_eq!(twice, ["Call is exported by src/a/x.rs:1 and src/b/y.rs:2"]);
    for once in ["struct Call;", "pub struct Calls;", "pub fn call() {}", "impl U for X { type Call = (); }"] {
        assert!(exported_twice(&sources(once)).is_empty(), "{once}");
    }
}

#[test]
fn an_error_by_another_name_is_caught() {
    for (code, faults) in [
        ("#[derive(Debug, Error)]\npub enum Fault { A }", 1),
        ("#[derive(Debug, thiserror::Error)]\n#[error(\"x\")]\nstruct Refused;", 1),
        ("impl std::error::Error for Refusal {}", 1),
        ("#[derive(Debug, Error)]\npub enum StoreError { A }\n#[derive(Debug)]\nstruct Plain;", 0),
    ] {
        assert_eq!(calls_errors_so(&Source::new("src/x.rs", code)).len(), faults, "{code}");
    }
}

#[test]
fn a_bare_participle_is_caught() {
    for (code, faults) in [("let told = 1;", 1), ("fn f(kept: u8) {}", 1), ("x.found()", 1), ("told_by, \"told\"", 0)] {
        assert_eq!(has_no_bare_participle(&Source::new("src/x.rs", code)).len(), faults, "{code}");
    }
}
