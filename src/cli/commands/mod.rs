//! One file for each command.

pub(super) mod cancel;
pub(super) mod config;
pub(super) mod diagnose;
pub(super) mod doctor;
pub(super) mod job;
pub(super) mod jobs;
pub(super) mod lanes;
pub(super) mod plan;
pub(super) mod quota;
pub(super) mod retry;
pub(super) mod sandbox;
pub mod serve;
pub(super) mod submit;
pub(super) mod token;
pub(super) mod watch;
