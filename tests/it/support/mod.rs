//! Helpers that several tests share.

mod recount;
mod world;

pub use recount::Books;
pub use world::{Answered, World};
