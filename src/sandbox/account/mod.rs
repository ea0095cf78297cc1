//! Whether the account may do what a call asks, before anybody looks at what the call lists.

use super::api::error::ApiRefusal;
use wire::{AccountSetup, Denial, SimulatedAccountState};

pub(super) mod credential;
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
    pub(super) fn check(&self, context: &CallContext<'_>) -> Result<(), ApiRefusal> {
        let denied = self.0.denied.iter().find(|denial| concerns(denial, context));
        match denied {
            Some(denial) => Err(refusal(denial, context)),
            None => of_state(self.0.state),
        }
    }

    /// Whether a listing leaves the domain out, since the caller may not see it.
    pub(super) fn hides(&self, action: &str, domain: &str) -> bool {
        self.0.denied.iter().any(|denial| is_of(denial, action) && denial.domain.as_deref() == Some(domain))
    }
}

fn is_of(denial: &Denial, action: &str) -> bool {
    denial.action == "*" || denial.action == action
}

fn concerns(denial: &Denial, context: &CallContext<'_>) -> bool {
    let on = |domain: &String| context.hosts.iter().any(|host| host.eq_ignore_ascii_case(domain));
    is_of(denial, context.action) && denial.domain.as_ref().is_none_or(on)
}

fn refusal(denial: &Denial, context: &CallContext<'_>) -> ApiRefusal {
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
    ApiRefusal::new(code, message)
}

fn of_state(state: SimulatedAccountState) -> Result<(), ApiRefusal> {
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
    Err(ApiRefusal::new(code, message))
}
