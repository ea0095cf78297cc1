//! What a domain's configuration means to the edge: which URLs are one object, and how long a copy lives.

mod cache_key;
pub(super) mod domain;
pub mod file;
pub(super) mod lifetime;
pub(super) mod origin;
pub(super) mod wire;
