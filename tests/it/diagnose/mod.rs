//! Diagnoses over the whole daemon.

pub(crate) mod authorization;
pub(crate) mod deadline;
pub(crate) mod monitor;
pub(crate) mod scenarios;
