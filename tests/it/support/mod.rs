//! Helpers that several tests share.

mod world;

pub use world::{Answered, World};
