//! What is sent when: the day quotas, the lanes, and what would become of a job.

mod answers;
pub(super) mod lanes;
pub(super) mod plan;
pub(super) mod quota;
pub mod wire;
