//! What goes over the wire of findings. The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the monitor last saw of every account and domain, worst first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FindingsAnswer {
    pub items: Vec<FindingAnswer>,
    /// Always null: they are on one page.
    pub next_cursor: Option<String>,
    /// When the last round ended; null before the first.
    pub rounded_at: Option<String>,
}

/// One thing as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingAnswer {
    pub account: String,
    /// `account NAME`, `pool ACCOUNT/NAME` or `domain NAME`.
    pub subject: String,
    /// As a diagnosis names its checks.
    pub check: String,
    /// `ok`, `warn`, `fail` or `unknown`.
    pub result: String,
    pub seen: String,
    /// What to do next; null if nothing is.
    pub action: Option<String>,
    /// Since when the result is so, as far as this process knows.
    pub since: String,
    pub checked_at: String,
}
