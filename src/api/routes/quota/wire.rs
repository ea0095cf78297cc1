//! What goes over the wire of `/v1/quota`. The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One day-quota counter of the provider.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolAnswer {
    pub account: String,
    /// The provider's name of it.
    pub pool: String,
    /// `purge` or `prefetch`.
    pub operation: String,
    /// `url` or `directory`.
    pub kind: String,
    pub area: String,
    /// Targets a day.
    pub total: u64,
    /// Targets left, by the smaller of our ledger and the provider's last answer.
    pub available: u64,
    /// Of these, only for `urgent`; open to all in the last 15 minutes before the reset.
    pub reserved: u64,
    /// What this daemon spent today.
    pub used: u64,
    /// Targets of today's calls whose answers were lost and that the provider did not list in time: they were sent again, and
    /// may have been charged though `used` does not count them.
    pub undecided: u64,
    /// Targets in one call.
    pub batch: u32,
    /// The end of the day that the figures are of. If that is past, the provider has not been asked since.
    pub resets_at: String,
    /// Since when nothing is left.
    pub exhausted_at: Option<String>,
    /// When what is not reserved runs out at the rate of the last hour; null if that is not before the reset.
    pub forecast: Option<String>,
    /// When the provider was last asked.
    pub read_at: String,
}
