//! Takes settings by key, parses each, and collects every problem instead of stopping at the first.
//! A setting that is not taken until the end has an unknown key, which is a problem too.

use std::collections::BTreeSet;
use std::time::Duration;

use super::error::ConfigProblem;
use super::layers::{KeyPath, Leaf, LeafValue, Leaves};
use super::parse::{DURATION, duration};
use super::provider::{ProviderKind, ProviderLimits};

#[derive(Debug)]
pub(super) struct ConfigReader {
    leaves: Leaves,
    /// The keys that exist: every one that was asked for.
    known_paths: BTreeSet<KeyPath>,
    problems: Vec<ConfigProblem>,
    pub(super) limits_of: fn(ProviderKind) -> ProviderLimits,
}

impl ConfigReader {
    pub(super) fn new(
        leaves: Leaves,
        problems: Vec<ConfigProblem>,
        limits_of: fn(ProviderKind) -> ProviderLimits,
    ) -> Self {
        Self { leaves, known_paths: BTreeSet::new(), problems, limits_of }
    }

    /// The setting at `path`. `Ok(None)`: it is not set. `Err`: a problem was noted.
    pub(super) fn take<T>(
        &mut self,
        path: &KeyPath,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ReportedError> {
        let Some(leaf) = self.take_leaf(path, expected)? else { return Ok(None) };
        let parsed = match &leaf.value {
            LeafValue::Text(text) | LeafValue::Number(text) => parse(text),
            LeafValue::Switch(on) => parse(if *on { "true" } else { "false" }),
            LeafValue::EmptyList | LeafValue::EmptyTable => None,
        };
        match parsed {
            Some(value) => Ok(Some(value)),
            None => Err(self.note_mismatch(path, &leaf, expected)),
        }
    }

    /// A duration that must be set.
    pub(super) fn duration(&mut self, path: &[&str]) -> Option<Duration> {
        self.require(&KeyPath::of(path), DURATION, duration)
    }

    /// As `take`, for a setting that must be set.
    pub(super) fn require<T>(
        &mut self,
        path: &KeyPath,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        match self.take(path, expected, parse) {
            Ok(None) => {
                self.note(path, format!("is missing, expected {expected}"));
                None
            }
            Ok(result) => result,
            Err(ReportedError) => None,
        }
    }

    /// As `take`, for a secret: its value is never part of a problem.
    pub(super) fn take_secret(&mut self, path: &KeyPath, expected: &str) -> Result<Option<String>, ReportedError> {
        match self.take_leaf(path, expected)? {
            None => Ok(None),
            Some(Leaf { value: LeafValue::Text(text), .. }) if !text.is_empty() => Ok(Some(text)),
            Some(Leaf { value: LeafValue::Text(_), .. }) => {
                Err(self.note(path, format!("is empty, expected {expected}")))
            }
            Some(_) => Err(self.note(path, format!("is not a text, expected {expected}"))),
        }
    }

    /// A list of texts, or, from the environment, one text with commas.
    pub(super) fn take_list<T>(
        &mut self,
        path: &KeyPath,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let elements = match self.leaves.get(path) {
            Some(Leaf { value: LeafValue::EmptyList, .. }) => {
                self.take_leaf(path, expected).ok()?;
                Vec::new()
            }
            Some(_) => {
                let text = self.require(path, expected, |text| Some(text.to_owned()))?;
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| (path.clone(), part.to_owned())).collect()
            }
            None => self.take_elements(path, expected)?,
        };
        let mut values = Vec::with_capacity(elements.len());
        let mut all_valid = true;
        for (place, text) in elements {
            match parse(&text) {
                Ok(value) => values.push(value),
                Err(expected) => {
                    self.note(&place, format!("found {text:?}, expected {expected}"));
                    all_valid = false;
                }
            }
        }
        all_valid.then_some(values)
    }

    fn take_elements(&mut self, path: &KeyPath, expected: &str) -> Option<Vec<(KeyPath, String)>> {
        let names = self.names(path);
        if !names.iter().all(|name| name.starts_with('[')) {
            self.take_leaf(path, expected).ok()?;
        }
        self.known_paths.insert(path.clone());
        let mut elements = Vec::with_capacity(names.len());
        for name in names {
            let place = path.child(&name);
            let text = self.require(&place, expected, |text| Some(text.to_owned()));
            elements.push(text.map(|text| (place, text)));
        }
        elements.into_iter().collect()
    }

    /// The names set directly below `path`, in order: of a table's keys, or `[0]`, `[1]` of a list's elements.
    pub(super) fn names(&self, path: &KeyPath) -> Vec<String> {
        let below = self.leaves.keys().filter(|key| key.starts_with(path) && key.0.len() > path.0.len());
        let mut names: Vec<String> = below.map(|key| key.0[path.0.len()].clone()).collect();
        // In numeric order: [10] comes after [9].
        names.sort_by_key(|name| (name.trim_matches(['[', ']']).parse::<usize>().unwrap_or(0), name.clone()));
        names.dedup();
        names
    }

    /// A section whose keys the operator chooses: it may be empty, but must not be a single value.
    pub(super) fn take_section(&mut self, path: &KeyPath) {
        self.known_paths.insert(path.clone());
        let empty = |leaf: &Leaf| matches!(leaf.value, LeafValue::EmptyTable | LeafValue::EmptyList);
        if let Some(leaf) = self.leaves.remove(path).filter(|leaf| !empty(leaf)) {
            self.note_mismatch(path, &leaf, "a section");
        }
    }

    /// Drops everything at and below `path`, for a name that is itself a problem.
    pub(super) fn drop_below(&mut self, path: &KeyPath) {
        self.leaves.retain(|key, _| !key.starts_with(path));
    }

    pub(super) fn note(&mut self, path: &KeyPath, detail: String) -> ReportedError {
        self.problems.push(ConfigProblem { key: path.to_string(), detail });
        ReportedError
    }

    fn note_mismatch(&mut self, path: &KeyPath, leaf: &Leaf, expected: &str) -> ReportedError {
        let origin = leaf.origin.as_ref().map(|origin| format!(" in {origin}")).unwrap_or_default();
        self.note(path, format!("found {}{origin}, expected {expected}", leaf.value))
    }

    fn take_leaf(&mut self, path: &KeyPath, expected: &str) -> Result<Option<Leaf>, ReportedError> {
        self.known_paths.insert(path.clone());
        // A text may stand where a table should be: that is reported once, and nothing below it.
        for level in 1..path.0.len() {
            let table = KeyPath(path.0[..level].to_vec());
            match self.leaves.get(&table) {
                None | Some(Leaf { value: LeafValue::EmptyTable, .. }) => {}
                Some(_) => {
                    if self.known_paths.insert(table.clone()) {
                        let Some(leaf) = self.leaves.get(&table).cloned() else { return Err(ReportedError) };
                        self.note_mismatch(&table, &leaf, "a table");
                    }
                    return Err(ReportedError);
                }
            }
        }
        if let Some(leaf) = self.leaves.remove(path) {
            return Ok(Some(leaf));
        }
        let names = self.names(path);
        if names.is_empty() {
            return Ok(None);
        }
        let kind = if names[0].starts_with('[') { "a list" } else { "a table" };
        self.drop_below(path);
        Err(self.note(path, format!("found {kind}, expected {expected}")))
    }

    /// All problems, unknown keys among them, in the order of their keys.
    pub(super) fn finish(mut self) -> Vec<ConfigProblem> {
        let unknown: Vec<(KeyPath, Leaf)> = std::mem::take(&mut self.leaves)
            .into_iter()
            .filter(|(path, leaf)| !self.known_paths.contains(path) && !self.is_empty_section(path, leaf))
            .collect();
        for (path, leaf) in unknown {
            let origin = leaf.origin.map(|origin| format!(" (in {origin})")).unwrap_or_default();
            let suggestion = self.closest(&path).map(|key| format!("; did you mean {key}?")).unwrap_or_default();
            self.note(&path, format!("is unknown{origin}{suggestion}"));
        }
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }

    /// An empty `[probe.edges]` sets nothing and is no mistake.
    fn is_empty_section(&self, path: &KeyPath, leaf: &Leaf) -> bool {
        matches!(leaf.value, LeafValue::EmptyTable) && self.known_paths.iter().any(|key| key.starts_with(path))
    }

    fn closest(&self, path: &KeyPath) -> Option<String> {
        let name = path.to_string();
        let candidates = self.known_paths.iter().map(ToString::to_string).map(|key| (distance(&name, &key), key));
        candidates.filter(|(distance, _)| *distance <= 2).min().map(|(_, key)| key)
    }
}

/// A problem was noted, so there is no value; reading goes on to find further problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportedError;

/// How many letters must be added, dropped or changed to make one text of the other (Levenshtein).
fn distance(left_text: &str, right_text: &str) -> usize {
    let right: Vec<char> = right_text.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left_text.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_added_dropped_and_changed_letters() {
        for (text, right, letters) in
            [("listen", "listen", 0), ("lisen", "listen", 1), ("kitten", "sitting", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(text, right), letters, "{text} {right}");
        }
    }
}
