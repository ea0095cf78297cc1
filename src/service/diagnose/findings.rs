//! The monitor's findings, for callers who may see them.

use std::sync::Arc;

use super::{DiagnosisService, may_diagnose};
use crate::diagnose::{Finding, Monitor};
use crate::domain::{ScopeWord, Timestamp};
use crate::service::caller::lacks;
use crate::service::{Caller, ServiceError};

impl DiagnosisService {
    /// With a patrol whose findings are shown here.
    #[must_use]
    pub fn with_monitor(self, monitor: Arc<Monitor>) -> Self {
        Self { monitor: Some(monitor), ..self }
    }

    /// What stands, worst first, and when the last round ended. Accounts and their quotas are for whoever may look at
    /// anything, as elsewhere; domains for whoever may read them.
    ///
    /// # Errors
    /// The caller may not look.
    pub fn findings(&self, caller: &Caller) -> Result<(Vec<Finding>, Option<Timestamp>), ServiceError> {
        caller.visible()?;
        let Some(monitor) = &self.monitor else { return Ok((Vec::new(), None)) };
        let (mut findings, rounded_at) = monitor.findings();
        findings.retain(|finding| finding.host.as_ref().is_none_or(|host| caller.scopes.may_read_host(host)));
        Ok((findings, rounded_at))
    }

    /// The same for figures, which name no more than the configuration does.
    pub(crate) fn all_findings(&self) -> (Vec<Finding>, Option<Timestamp>) {
        self.monitor.as_ref().map_or_else(Default::default, |monitor| monitor.findings())
    }

    /// The same after a round that is walked now.
    ///
    /// # Errors
    /// The caller may not cause that; too many at once.
    pub async fn check_findings(&self, caller: &Caller) -> Result<(Vec<Finding>, Option<Timestamp>), ServiceError> {
        may_diagnose(caller)?;
        // A round makes calls for every account.
        if !caller.scopes.sees_all() {
            return Err(lacks(ScopeWord::OnCall));
        }
        if let Some(monitor) = &self.monitor {
            // It counts for the token, but holds no place: a round may be long, and others want their diagnoses meanwhile.
            drop(self.limits.enter(caller.token)?);
            monitor.round().await;
        }
        self.findings(caller)
    }
}
