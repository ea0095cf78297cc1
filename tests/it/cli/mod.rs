//! The commands, as a person or a script runs them.

pub(crate) mod cancel;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod diagnose;
pub(crate) mod doctor;
pub(crate) mod fixtures;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod lanes;
pub(crate) mod retry;
pub(crate) mod sandbox;
pub(crate) mod submit;
pub(crate) mod usage;
pub(crate) mod watch;
