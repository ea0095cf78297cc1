//! Statements name states and priorities in capitals, as `state = DUE`; rows hold the numbers of `columns`.

use super::columns::{BLOCKED, CANCELLED, DELAYED, DUE, EXPIRED, FAILED, SUBMITTED, SUCCEEDED, priority_code};
use crate::domain::Priority;

/// Every name that a statement may use, and the number it stands for.
const NAMES: [(&str, i64); 11] = [
    ("DUE", DUE),
    ("DELAYED", DELAYED),
    ("BLOCKED", BLOCKED),
    ("SUBMITTED", SUBMITTED),
    ("SUCCEEDED", SUCCEEDED),
    ("FAILED", FAILED),
    ("CANCELLED", CANCELLED),
    ("EXPIRED", EXPIRED),
    ("URGENT", priority_code(Priority::Urgent)),
    ("NORMAL", priority_code(Priority::Normal)),
    ("BULK", priority_code(Priority::Bulk)),
];

/// The statement as SQLite takes it: names of states and priorities become numbers, outside of comments.
#[must_use]
pub fn with_codes(statement: &str) -> String {
    let mut text = String::with_capacity(statement.len());
    for line in statement.lines().map(|line| line.split("--").next().unwrap_or_default()) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut rest = line;
        while let Some(start) = rest.find(is_word) {
            let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
            let word = &rest[start..end];
            text.push_str(&rest[..start]);
            match NAMES.iter().find(|(name, _)| *name == word) {
                Some((_, code)) => text.push_str(&code.to_string()),
                None => text.push_str(word),
            }
            rest = &rest[end..];
        }
        text.push_str(rest);
        text.push('\n');
    }
    text
}

/// The statements of files beside the caller's, with names of states and priorities read as numbers, once.
macro_rules! sql {
    ($($file:literal),+) => {{
        static STATEMENT: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| $crate::store::sqlite::with_codes(concat!($(include_str!($file)),+)));
        STATEMENT.as_str()
    }};
}

#[test]
fn names_become_numbers_and_all_else_stays() {
    let statement =
        "-- DUE\nselect 'failed', x.DUE_AT from items where state in (DUE, FAILED) and priority = BULK; -- DUE\n";
    let expected = "\nselect 'failed', x.DUE_AT from items where state in (0, 5) and priority = 2; \n";
    assert_eq!(with_codes(statement), expected);
}

#[test]
fn every_name_in_capitals_is_known() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite"))];
    let mut statements = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "sql") {
                let text = with_codes(&std::fs::read_to_string(&path).expect("a statement"));
                let capitals = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
                // Every second part between quotes is a text.
                let code: String = text.split('\'').step_by(2).collect();
                let unknown = code.split(|c: char| !c.is_alphanumeric() && c != '_').find(capitals);
                assert_eq!(unknown, None, "{}", path.display());
                statements += 1;
            }
        }
    }
    assert!(statements > 50, "{statements} statements");
}
