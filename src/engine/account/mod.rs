//! One account as the engine sees it: its rates, its pools, and whether the provider lets it work.

mod domain_cache;
mod host_suspensions;
mod ledger;
mod limits;
mod pauses;
mod rate;
mod state;
mod status;

pub use domain_cache::CachedDomain;
pub use state::Account;
pub use status::AccountStatus;
pub(super) use status::PoolUsage;
