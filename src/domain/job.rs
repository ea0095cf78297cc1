//! A parsed job, and how a job's status follows from its items.

use std::collections::BTreeMap;

use super::string_enum::words;
use super::{Area, ItemState, Mode, Operation, Priority, Target, Timestamp};

/// The client's own labels, stored and searchable; at most 16, keys up to 64 bytes, values up to 256.
pub type Labels = BTreeMap<String, String>;

/// A parsed refresh job: every target is valid and distinct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRequest {
    pub operation: Operation,
    pub urls: Vec<Target>,
    pub directories: Vec<Target>,
    /// How many targets of the body were equal to another one.
    pub merged: u32,
    /// For directories.
    pub mode: Mode,
    pub area: Area,
    pub priority: Priority,
    pub not_before: Option<Timestamp>,
    pub deadline: Option<Timestamp>,
    pub labels: Labels,
    pub source: Option<String>,
    pub verify: bool,
    pub notify: Option<String>,
}

/// Something in a job that is allowed and probably not intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A stable word for programs.
    pub code: String,
    /// What is odd, and what may be meant instead.
    pub detail: String,
    /// A JSON Pointer into the body; empty: the whole.
    pub pointer: String,
}

words!(
    /// The public status of a job at the provider; whether the edge is fresh is separate (law 7).
    JobStatus {
        Pending = "pending",
        Running = "running",
        Succeeded = "succeeded",
        Partial = "partial",
        Failed = "failed",
        Cancelled = "cancelled",
        Expired = "expired",
    }
);

impl JobStatus {
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// How many items of a job are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub pending: u32,
    pub submitted: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub expired: u32,
}

impl Counts {
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.pending + self.submitted + self.succeeded + self.failed + self.cancelled + self.expired
    }

    #[must_use]
    pub const fn of(&self, state: ItemState) -> u32 {
        match state {
            ItemState::Pending => self.pending,
            ItemState::Submitted => self.submitted,
            ItemState::Succeeded => self.succeeded,
            ItemState::Failed => self.failed,
            ItemState::Cancelled => self.cancelled,
            ItemState::Expired => self.expired,
        }
    }

    /// The job's status. `started`: whether any item was ever claimed.
    #[must_use]
    pub const fn status(&self, started: bool) -> JobStatus {
        let open = self.pending + self.submitted;
        if open > 0 {
            let ended = self.total() > open;
            return if started || ended { JobStatus::Running } else { JobStatus::Pending };
        }
        if self.succeeded == self.total() {
            JobStatus::Succeeded
        } else if self.succeeded > 0 {
            JobStatus::Partial
        } else if self.failed > 0 {
            JobStatus::Failed
        } else if self.expired > 0 {
            JobStatus::Expired
        } else {
            JobStatus::Cancelled
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_from_the_counts() {
        let none = Counts::default();
        for (counts, started, status) in [
            (Counts { pending: 3, ..none }, false, JobStatus::Pending),
            // Claimed once and released: the job has started, so it is running.
            (Counts { pending: 3, ..none }, true, JobStatus::Running),
            (Counts { pending: 1, failed: 1, ..none }, false, JobStatus::Running),
            (Counts { submitted: 1, ..none }, true, JobStatus::Running),
            (Counts { succeeded: 2, ..none }, true, JobStatus::Succeeded),
            (Counts { succeeded: 1, cancelled: 1, ..none }, true, JobStatus::Partial),
            (Counts { failed: 1, expired: 4, ..none }, true, JobStatus::Failed),
            (Counts { expired: 1, cancelled: 4, ..none }, true, JobStatus::Expired),
            (Counts { cancelled: 4, ..none }, false, JobStatus::Cancelled),
        ] {
            assert_eq!(counts.status(started), status, "{counts:?}");
        }
    }
}
