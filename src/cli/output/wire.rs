//! JSON output of commands that is not an answer of the API.

use serde::Serialize;

use crate::api::wire::{EventAnswer, ItemAnswer, JobAnswer};

/// `refreshd job ID --json`.
#[derive(Debug, Serialize)]
pub(crate) struct JobReport {
    pub(crate) job: JobAnswer,
    pub(crate) items: Vec<ItemAnswer>,
    pub(crate) events: Vec<EventAnswer>,
}

/// `refreshd config check --json`.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) ok: bool,
    pub(crate) warnings: Vec<String>,
    pub(crate) problems: Vec<ProblemLine>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ProblemLine {
    pub(crate) key: String,
    pub(crate) detail: String,
}
