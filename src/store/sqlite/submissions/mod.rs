//! What became of a submission: its answer, its release and its settlement.

pub(super) mod outcomes;
pub(super) mod settle;
