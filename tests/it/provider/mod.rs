//! The client of the provider's API against the sandbox.

pub(crate) mod credential_sources;
pub(crate) mod list_domains;
pub(crate) mod signature;
pub(crate) mod undocumented_behaviour;
