//! The API, an endpoint or a header for each file.

pub(crate) mod cancel_retry;
pub(crate) mod connection_limits;
pub(crate) mod diagnoses;
pub(crate) mod docs;
pub(crate) mod errors;
pub(crate) mod etag;
pub(crate) mod fixtures;
pub(crate) mod fuzz_corpus;
pub(crate) mod idempotency;
pub(crate) mod job_warnings;
pub(crate) mod lanes;
pub(crate) mod metrics;
pub(crate) mod plan;
pub(crate) mod prefer_wait;
pub(crate) mod quota;
pub(crate) mod search_jobs;
pub(crate) mod store_unavailable;
