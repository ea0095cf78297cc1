//! Whether the account may do what a call asks, before anybody looks at what the call lists.

use std::fmt;

use uuid::Uuid;

use super::api::error::CloudError;
use wire::{AccountSetup, Denial, SimulatedAccountState};

pub(super) mod quota;
pub(super) mod rate;
pub(super) mod wire;

/// The root account that owns everything here.
const UIN: &str = "100000000001";

#[derive(Debug, Default)]
pub(super) struct SimulatedAccount(AccountSetup);

/// Who asks for what, as a permission sees it.
pub(super) struct CallContext<'a> {
    pub(super) action: &'a str,
    /// Of the targets listed, each once or more.
    pub(super) hosts: Vec<String>,
    pub(super) request_id: &'a str,
}

impl SimulatedAccount {
    pub(super) fn replace(&mut self, setup: AccountSetup) {
        self.0 = setup;
    }

    pub(super) fn setup(&self) -> AccountSetup {
        self.0.clone()
    }

    /// CAM stands at the gateway, before the product and its opinion of the account.
    pub(super) fn check(&self, context: &CallContext<'_>) -> Result<(), CloudError> {
        let denial = self.0.denied.iter().find(|denial| applies_to(denial, context));
        match denial {
            Some(denial) => Err(denial_error(denial, context)),
            None => check_state(self.0.state),
        }
    }

    /// Whether a listing leaves the domain out, since the caller may not see it.
    pub(super) fn hides(&self, action: &str, domain: &str) -> bool {
        self.0.denied.iter().any(|denial| is_of_action(denial, action) && denial.domain.as_deref() == Some(domain))
    }
}

fn is_of_action(denial: &Denial, action: &str) -> bool {
    denial.action == "*" || denial.action == action
}

fn applies_to(denial: &Denial, context: &CallContext<'_>) -> bool {
    let on = |domain: &String| context.hosts.iter().any(|host| host.eq_ignore_ascii_case(domain));
    is_of_action(denial, context.action) && denial.domain.as_ref().is_none_or(on)
}

fn denial_error(denial: &Denial, context: &CallContext<'_>) -> CloudError {
    let product_code = match denial.domain {
        Some(_) => "UnauthorizedOperation.CdnHostUnauthorized",
        None => "UnauthorizedOperation.CdnCamUnauthorized",
    };
    let code = denial.code.clone().unwrap_or_else(|| product_code.to_owned());
    let resource =
        denial.domain.as_ref().map_or_else(|| "*".to_owned(), |on| format!("qcs::cdn::uin/{UIN}:domain/{on}"));
    let message = format!(
        "[request id:{}]you are not authorized to perform operation (cdn:{}) resource ({resource}) has no permission",
        context.request_id, context.action
    );
    CloudError::new(code, message)
}

fn check_state(state: SimulatedAccountState) -> Result<(), CloudError> {
    let (code, message) = match state {
        SimulatedAccountState::Normal => return Ok(()),
        SimulatedAccountState::Suspended => {
            ("UnauthorizedOperation.CdnUserIsSuspended", "The CDN service is suspended.")
        }
        SimulatedAccountState::Isolated => {
            ("UnauthorizedOperation.CdnUserIsIsolated", "The account is isolated for arrears.")
        }
        SimulatedAccountState::Migrating => ("OperationDenied.UserMigrating", "The account is migrating to EdgeOne."),
        SimulatedAccountState::MovedToEdgeOne => {
            ("OperationDenied.ProductUpgraded", "CDN has been upgraded to EdgeOne.")
        }
        SimulatedAccountState::AuthFailed => {
            ("UnauthorizedOperation.CdnUserAuthFail", "The identity verification failed.")
        }
        SimulatedAccountState::AuthWait => ("UnauthorizedOperation.CdnUserAuthWait", "The identity is being verified."),
        SimulatedAccountState::NotActivated => {
            ("ResourceNotFound.CdnUserNotExists", "The CDN service is not activated.")
        }
        SimulatedAccountState::InvalidStatus => {
            ("UnauthorizedOperation.CdnInvalidUserStatus", "The account status is invalid.")
        }
    };
    Err(CloudError::new(code, message))
}

/// A key pair that the simulated account accepts. It opens nothing but the sandbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub secret_id: String,
    pub secret_key: String,
    /// Set for temporary credentials: the session token that has to come along.
    pub token: Option<String>,
}

impl Credential {
    #[must_use]
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { secret_id: secret_id.into(), secret_key: secret_key.into(), token: None }
    }

    /// A fresh random key pair in the provider's shape.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(format!("AKID{}", Uuid::new_v4().simple()), Uuid::new_v4().simple().to_string())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("secret_id", &self.secret_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_differ_and_are_not_shown() {
        let one = Credential::generate();
        assert_ne!(one, Credential::generate());
        assert!(one.secret_id.starts_with("AKID"));
        assert!(!format!("{one:?}").contains(&one.secret_key));
    }
}
