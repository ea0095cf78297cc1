//! What a provider's own manual says about signs of trouble: status words of its edges, names that its DNS uses, how long
//! things take, and where each is written. Read by those who explain, never by those who act.

use std::time::Duration;

use crate::domain::{CauseId, ErrorClass, Failure, ItemOperation, TargetKind};

/// One provider's manual, as far as explaining needs it.
#[derive(Debug, PartialEq, Eq)]
pub struct VendorReference {
    /// The User-Agent with which its nodes ask an origin.
    pub origin_agent: &'static str,
    /// How the names end that its DNS gives to accelerated hosts.
    pub cname_suffixes: &'static [&'static str],
    /// The same of the product that replaces it.
    pub successor_cname_suffixes: &'static [&'static str],
    /// A header that only its edges send, with their id of the answer.
    pub log_id: &'static str,
    /// A header that tells by the words "hit" and "miss" whether an answer came from a copy.
    pub lookup: &'static str,
    /// What a status of its edges' own means.
    pub edge_statuses: &'static [EdgeStatus],
    /// Codes whose cause is not that of their class.
    pub codes: &'static [(&'static str, CauseId)],
    /// Codes whose cure is not that of their cause, by how they begin.
    pub cures: &'static [(&'static str, &'static str)],
    /// The action that a submission calls, as its permissions name it.
    pub actions: &'static [(ItemOperation, TargetKind, &'static str)],
    /// Actions without which everything but explaining goes on.
    pub optional_actions: &'static [&'static str],
    /// How long a purge usually takes, and when it is time to ask.
    pub purge: TypicalDuration,
    pub prefetch: TypicalDuration,
    /// Copies that live shorter are better waited for than purged.
    pub purge_worthwhile: Duration,
    pub pages: DocPages,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypicalDuration {
    pub usual: Duration,
    pub alarm: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeStatus {
    pub status: u16,
    /// After "The edge answers 531:".
    pub meaning: &'static str,
    /// What it stands for; none: it says nothing about a refresh.
    pub cause: Option<CauseId>,
    /// Whether it names the fault itself, and not only its side.
    pub exact: bool,
}

/// Titles of the pages that tell more.
#[derive(Debug, PartialEq, Eq)]
pub struct DocPages {
    pub purge: &'static str,
    pub prefetch: &'static str,
    pub permissions: &'static str,
    pub quota: &'static str,
    pub signature: &'static str,
    pub errors: &'static str,
    pub cname: &'static str,
    pub domains: &'static str,
    pub origin: &'static str,
    pub cache_key: &'static str,
    pub cache_rules: &'static str,
    pub certificate: &'static str,
    pub edge_statuses: &'static str,
    pub stale: &'static str,
    pub successor: &'static str,
}

impl VendorReference {
    /// What a failure in the provider's words stands for.
    #[must_use]
    pub fn cause(&self, failure: &Failure) -> CauseId {
        let exact = self.codes.iter().find(|(code, _)| failure.code.starts_with(code));
        exact.map_or_else(|| by_class(failure.class), |(_, cause)| *cause)
    }

    /// What to do about this code, where its cause has another cure.
    #[must_use]
    pub fn cure(&self, code: &str) -> Option<&'static str> {
        self.cures.iter().find(|(begin, _)| code.starts_with(begin)).map(|(_, cure)| *cure)
    }

    #[must_use]
    pub fn edge_status(&self, status: u16) -> Option<&EdgeStatus> {
        self.edge_statuses.iter().find(|edge_status| edge_status.status == status)
    }

    #[must_use]
    pub fn action(&self, operation: ItemOperation, kind: TargetKind) -> Option<&'static str> {
        let item_operation = self.actions.iter().find(|(op, of, _)| (*op, *of) == (operation, kind));
        item_operation.map(|(_, _, action)| *action)
    }

    #[must_use]
    pub const fn typical_duration(&self, operation: ItemOperation) -> TypicalDuration {
        match operation {
            ItemOperation::Purge => self.purge,
            ItemOperation::Prefetch => self.prefetch,
        }
    }
}

const fn by_class(class: ErrorClass) -> CauseId {
    match class {
        ErrorClass::BadTarget => CauseId::WrongRequest,
        ErrorClass::Permission => CauseId::NoPermission,
        ErrorClass::Auth => CauseId::BadCredentials,
        ErrorClass::Clock => CauseId::ClockSkew,
        ErrorClass::Quota => CauseId::QuotaSpent,
        ErrorClass::Throttle => CauseId::Throttled,
        ErrorClass::DomainState => CauseId::DomainOffline,
        ErrorClass::ProviderTimeout => CauseId::ProviderSlow,
        ErrorClass::Outage | ErrorClass::Lost | ErrorClass::PurgeFailed | ErrorClass::Internal => {
            CauseId::ProviderFailed
        }
    }
}
