//! Starting and stopping the process.

pub(crate) mod shutdown;
pub(crate) mod startup;
