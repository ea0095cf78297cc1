//! On whose behalf something is asked.

use crate::domain::TenantName;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: TenantName,
    /// Whether other tenants' jobs are visible too (scope `oncall`).
    pub sees_all: bool,
}

impl Caller {
    /// Whoever reaches a daemon in open mode: tenant `local`, with every scope.
    #[must_use]
    pub fn local() -> Self {
        Self { tenant: TenantName::new("local"), sees_all: true }
    }

    /// The tenant whose rows are visible; none if all are.
    pub(super) fn visible(&self) -> Option<&TenantName> {
        if self.sees_all { None } else { Some(&self.tenant) }
    }
}
