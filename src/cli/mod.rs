//! The commands.

pub mod serve;
mod terminal;
