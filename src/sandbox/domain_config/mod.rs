//! What a domain's configuration means to the edge: which URLs are one object, and how long a copy lives.

pub(super) mod change;
pub(super) mod domain;
pub mod file;
mod key;
pub(super) mod lifetime;
pub(super) mod origin;
mod paths;
pub(super) mod wire;
