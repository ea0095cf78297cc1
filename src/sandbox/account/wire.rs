//! What is set from outside of the account itself: its state, and what CAM does not allow.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSetup {
    pub state: SimulatedAccountState,
    pub denied: Vec<Denial>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatedAccountState {
    #[default]
    Normal,
    Suspended,
    Isolated,
    /// The account is being moved to EdgeOne.
    Migrating,
    /// The account has been moved to EdgeOne.
    MovedToEdgeOne,
    /// Real-name verification failed.
    AuthFailed,
    /// Real-name verification is pending.
    AuthWait,
    NotActivated,
    InvalidStatus,
}

/// A permission that the caller lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// An action's name, or `*`.
    pub action: String,
    /// Only for this domain; a call that lists it is refused whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// If absent, the product's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Denial {
    #[must_use]
    pub fn of_action(action: impl Into<String>) -> Self {
        Self { action: action.into(), domain: None, code: None }
    }

    #[must_use]
    pub fn on(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }
}
