//! What decides which items leave next: eligibility, the batch, timers, pauses and the tenants' shares.

pub(super) mod batch;
pub(super) mod claim;
pub(super) mod coalesce_into_directories;
pub(super) mod deferral;
pub(super) mod directory_promotion;
pub(super) mod eligibility;
pub(super) mod host_isolation;
pub(super) mod isolation_group;
pub(super) mod lane_pauses;
pub(super) mod open_purges;
pub(super) mod tenant_quota;
pub(super) mod timers;
