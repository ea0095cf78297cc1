//! A failure: its class, the evidence, and what a person should do next (law 7).

use super::string_enum::words;

words!(
    /// What kind of failure it is, and so what to do.
    ErrorClass {
        BadTarget = "bad_target",
        Permission = "permission",
        Auth = "auth",
        Clock = "clock",
        Quota = "quota",
        Throttle = "throttle",
        DomainState = "domain_state",
        Outage = "outage",
        Lost = "lost",
        ProviderTimeout = "provider_timeout",
        PurgeFailed = "purge_failed",
        Internal = "internal",
    }
);

/// One failure with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Failure {
    pub class: ErrorClass,
    /// The provider's code, or our own in lower case.
    pub code: String,
    /// The provider's message, or our own. Never parsed.
    pub message: String,
    /// The provider's id of the call, for a support ticket.
    pub request_id: Option<String>,
}

impl Failure {
    /// Our code for a call whose answer was lost and that the provider's task list does not have in time (law 4).
    pub const NOT_LISTED: &'static str = "not_listed";
    /// Our code for a claim that committed although the store reported an error, so no call was made.
    pub const ORPHANED_CLAIM: &'static str = "claim_astray";

    #[must_use]
    pub fn new(class: ErrorClass, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), request_id: None }
    }

    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }

    /// Code, message and advice in one line.
    #[must_use]
    pub fn summary_with_advice(&self) -> String {
        format!("{}: {}. {}", self.code, self.message.trim_end_matches('.'), self.advice())
    }

    /// What to do next, in one sentence.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self.class {
            ErrorClass::BadTarget => {
                "Check that the host is an acceleration domain of this account and that the URL is the one the CDN serves, then retry the job."
            }
            ErrorClass::Permission => {
                "Grant this account's key the CAM action for the call (see the provider's console, CAM policies); the work is kept and tried again by itself."
            }
            ErrorClass::Auth => {
                "Check secret_id and secret_key of the account (deleted, disabled or mistyped key); the work is kept and tried again by itself."
            }
            ErrorClass::Clock => {
                "Set this machine's clock by NTP; the provider refuses signatures more than 5 minutes off."
            }
            ErrorClass::Quota => "Wait for the provider's daily reset, or raise the quota in the provider's console.",
            ErrorClass::Throttle => "Nothing to do: the call rate was lowered and the work is tried again by itself.",
            ErrorClass::DomainState => {
                "Bring the domain back online in the provider's console, or finish its migration; the work is kept and tried again by itself."
            }
            ErrorClass::Outage => {
                "Nothing to do yet: the provider failed and the work is tried again by itself; check the provider's status page if it lasts."
            }
            ErrorClass::Lost => {
                "Nothing to do: the answer was lost and the provider's own task list is being asked before anything is sent again."
            }
            ErrorClass::ProviderTimeout => {
                "Retry the job; if it lasts, open a ticket with the provider and name the task id and request id."
            }
            ErrorClass::PurgeFailed => {
                "Nothing was prefetched because the purge before it failed: mend that failure first, then retry the job."
            }
            ErrorClass::Internal => "Read the daemon's log at this time and report the failure with it.",
        }
    }
}
