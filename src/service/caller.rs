//! On whose behalf something is asked, and what they may do.

use super::{InputError, ServiceError};
use crate::domain::{ScopeWord, Scopes, TenantName, TokenId};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: TenantName,
    pub scopes: Scopes,
    /// The tenant's share in what leaves, against the others'.
    pub weight: u32,
    /// By which token they are known; none in open mode.
    pub token: Option<TokenId>,
}

impl Caller {
    /// Whoever reaches a daemon in open mode: tenant `local`, with every scope.
    #[must_use]
    pub fn local() -> Self {
        Self { tenant: TenantName::new("local"), scopes: Scopes::all(), weight: 1, token: None }
    }

    /// As the audit names them: by tenant and token.
    pub(super) fn audited(&self) -> String {
        match self.token {
            Some(token) => format!("{} (token {token})", self.tenant),
            None => self.tenant.to_string(),
        }
    }

    /// The tenant whose rows are visible; none if all are.
    ///
    /// # Errors
    /// This caller may not look at all.
    pub(super) fn visible(&self) -> Result<Option<&TenantName>, ServiceError> {
        if !self.scopes.may_read() {
            return Err(lacks(ScopeWord::Read));
        }
        Ok(if self.scopes.sees_all() { None } else { Some(&self.tenant) })
    }
}

/// What was asked for takes a scope that the caller has not, whatever it is about.
pub(super) fn lacks(scope: ScopeWord) -> ServiceError {
    ServiceError::ScopeMissing { scopes: vec![scope], faults: Vec::<InputError>::new() }
}
