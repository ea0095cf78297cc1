//! The commands, as a person or a script runs them.

pub(crate) mod demo;
pub(crate) mod diagnose;
pub(crate) mod jobs;
pub(crate) mod submit;
pub(crate) mod usage;
