//! What is wrong with a configuration: every problem at once, each with its key, what was found and what is expected.

use std::fmt;

use thiserror::Error;

/// One problem, told from the key that has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// The key path as the operator would write it, or the file's name if the file itself cannot be read.
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
