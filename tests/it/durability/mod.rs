//! What is on disk survives kills, power cuts and crashes at any moment.

pub(crate) mod crash_at_each_syscall;
pub(crate) mod kill9;
pub(crate) mod power_loss;
