//! What commands print as JSON beside the API's own answers.

use serde::Serialize;

use crate::api::wire::{EventAnswer, ItemAnswer, JobAnswer};

/// `refreshd job ID --json`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct JobReport {
    pub(in crate::cli) job: JobAnswer,
    pub(in crate::cli) items: Vec<ItemAnswer>,
    pub(in crate::cli) events: Vec<EventAnswer>,
}

/// `refreshd config check --json`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct CheckReport {
    pub(in crate::cli) ok: bool,
    pub(in crate::cli) warnings: Vec<String>,
    pub(in crate::cli) problems: Vec<ProblemLine>,
}

#[derive(Debug, Serialize)]
pub(in crate::cli) struct ProblemLine {
    pub(in crate::cli) key: String,
    pub(in crate::cli) detail: String,
}
