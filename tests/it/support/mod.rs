//! Helpers that several tests share.

mod recount;
mod world;

pub use recount::{Books, recount};
pub use world::{Answered, World};
