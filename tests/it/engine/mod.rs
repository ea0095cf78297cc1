//! The engine behind the whole daemon: what is sent, held back, isolated and recovered.

pub(crate) mod bad_hosts;
pub(crate) mod directory_promotion;
pub(crate) mod faults;
pub(crate) mod lost_calls;
pub(crate) mod provider_failures;
pub(crate) mod tenant_quota;
