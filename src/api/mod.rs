//! The door for machines.

pub mod wire;
