//! What came of the scenarios: right or wrong, and the table of truths against first causes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) truth: Vec<String>,
    /// As told, most likely first.
    pub(super) causes: Vec<String>,
    /// What was wrong beside the causes.
    pub(super) faults: Vec<String>,
    pub(super) told: Value,
}

impl Outcome {
    /// Of a scenario that could not be played to its end.
    pub(super) fn broken(name: String, because: &str) -> Self {
        let truth = vec!["unplayed".to_owned()];
        Self { name, truth, causes: Vec::new(), faults: vec![because.to_owned()], told: Value::Null }
    }

    /// One fault is named first, two are both named, and of none nothing is.
    pub(super) fn is_right(&self) -> bool {
        match self.truth.as_slice() {
            [] => self.causes.is_empty(),
            [one] => self.causes.first() == Some(one),
            both => both.iter().all(|cause| self.causes.contains(cause)) && both.contains(&self.causes[0]),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_right() { "right" } else { "WRONG" };
        writeln!(f, "{verdict} {}: {:?} was told as {:?}", self.name, self.truth, self.causes)?;
        for check in self.told["checks"].as_array().into_iter().flatten().filter(|check| check["result"] != "ok") {
            writeln!(f, "    {} {} ({}): {}", check["result"], check["id"], check["confidence"], check["seen"])?;
        }
        self.faults.iter().try_for_each(|fault| writeln!(f, "    {fault}"))
    }
}

/// Rows are truths, columns are first causes. Only what occurs is shown; pairs stand below.
pub(super) fn confusion(outcomes: &[Outcome]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.truth.len() < 2) {
        let truth = outcome.truth.first().map_or("(healthy)", String::as_str);
        let first = outcome.causes.first().map_or("(healthy)", String::as_str);
        *counts.entry((truth, first)).or_default() += 1;
    }
    let columns: BTreeSet<&str> = counts.keys().map(|(_, first)| *first).collect();
    let rows: BTreeSet<&str> = counts.keys().map(|(truth, _)| *truth).collect();
    let mut text = "truth \\ first cause\n".to_owned();
    for (number, column) in columns.iter().enumerate() {
        text.push_str(&format!("  {:>2} {column}\n", number + 1));
    }
    let header: String = (1..=columns.len()).map(|number| format!("{number:>3}")).collect();
    text.push_str(&format!("{:<24}{header}\n", ""));
    for row in rows {
        let cell = |column: &&str| counts.get(&(row, column)).map_or("  .".to_owned(), |count| format!("{count:>3}"));
        text.push_str(&format!("{row:<24}{}\n", columns.iter().map(cell).collect::<String>()));
    }
    let pairs: Vec<_> = outcomes.iter().filter(|outcome| outcome.truth.len() == 2).collect();
    let both = pairs.iter().filter(|outcome| outcome.is_right()).count();
    let single: Vec<_> = outcomes.iter().filter(|outcome| outcome.truth.len() == 1).collect();
    let hits = single.iter().filter(|outcome| outcome.is_right()).count();
    let healthy: Vec<_> = outcomes.iter().filter(|outcome| outcome.truth.is_empty()).collect();
    let alarms = healthy.iter().filter(|outcome| !outcome.is_right()).count();
    text.push_str(&format!("first cause right: {hits} of {}\n", single.len()));
    text.push_str(&format!("both of two faults: {both} of {}\n", pairs.len()));
    text + &format!("false alarms: {alarms} of {} healthy\n", healthy.len())
}
