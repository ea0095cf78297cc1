//! Tasks as a provider lists them: their handles, their progress, and how they are looked up.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::{Failure, ItemOperation, Target, TargetKind, Timestamp};

/// The provider's handle of a task: opaque text, never parsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub String);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which task to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskQuery {
    pub operation: ItemOperation,
    pub task: TaskId,
    /// Distinct targets that were sent.
    pub targets: u32,
}

/// How far a task is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskProgress {
    /// The provider does not list it, which is normal right after it was accepted.
    NotListed,
    /// Some row is not final.
    Running,
    /// Every row is final; the rows named here failed, all others are done.
    Ended { failed: Vec<FailedRow> },
}

/// One target that the provider could not refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// As the provider wrote it.
    pub target: String,
    pub failure: Failure,
}

/// Where to look for a submission whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindQuery {
    pub operation: ItemOperation,
    pub kind: TargetKind,
    /// One of the batch's targets.
    pub target: Target,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// A task as the provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTask {
    pub task: TaskId,
    pub created_at: Timestamp,
    pub targets: BTreeSet<String>,
}
