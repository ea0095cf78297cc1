//! What goes over the wire of diagnoses. The client reads the same types.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::service::{CauseAnswer, CheckAnswer, DiagnosisAnswer, SubjectAnswer};

/// What to look into: exactly one of the three.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisBody {
    /// As a visitor asks for it. The newest job of the last 7 days that named it is looked into as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its home page is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its target that tells most is looked at: one that failed before one that was seen stale, waits, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}
