//! The problems of a configuration, all at once, each with its key, the value and what is expected.

use std::fmt;

use thiserror::Error;

/// One problem of one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// The key as the operator writes it, or the file's name if the file cannot be read.
    pub key: String,
    pub detail: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.detail)
    }
}

/// All problems of a configuration, in the order of their keys, one on each line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    pub problems: Vec<ConfigProblem>,
}
