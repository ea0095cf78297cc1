//! One file or folder for each resource of the API: its handlers, its wire shapes, and how domain values become them.

pub mod diagnoses;
pub(super) mod dispatch_convert;
pub(super) mod docs;
pub(crate) mod findings;
pub(super) mod health;
pub(super) mod jobs;
pub(super) mod lanes;
pub(super) mod metrics;
pub(super) mod plan;
pub(super) mod quota;
pub mod wire;
