//! What commands print as JSON beside the API's own answers.

use serde::Serialize;

use crate::api::wire::{EventAnswer, ItemAnswer, JobAnswer};

/// `refreshd job ID --json`.
#[derive(Debug, Serialize)]
pub(super) struct JobReport {
    pub(super) job: JobAnswer,
    pub(super) items: Vec<ItemAnswer>,
    pub(super) events: Vec<EventAnswer>,
}

/// `refreshd config check --json`.
#[derive(Debug, Serialize)]
pub(super) struct CheckReport {
    pub(super) ok: bool,
    pub(super) warnings: Vec<String>,
    pub(super) problems: Vec<ProblemLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProblemLine {
    pub(super) key: String,
    pub(super) detail: String,
}
