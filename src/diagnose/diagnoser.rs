//! The diagnoser: looks, judges and ranks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::bundle::attachments_from_evidence;
use super::collect::Collector;
use super::{Diagnose, DiagnosisInput, causes, checks};
use crate::clock::Clock;
use crate::domain::Diagnosis;
use crate::probe::Prober;
use crate::provider::{VENDOR_REFERENCE, VendorReference};

/// A diagnosis of one target takes no longer, unless its caller allows more.
pub const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Diagnoser {
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    guide: &'static VendorReference,
}

impl Diagnoser {
    #[must_use]
    pub fn new(prober: Arc<dyn Prober>, clock: Arc<dyn Clock>) -> Self {
        Self { prober, clock, guide: &VENDOR_REFERENCE }
    }
}

#[async_trait]
impl Diagnose for Diagnoser {
    /// Ends within `deadline`, even if nothing answers; what was not seen by then is unknown.
    async fn diagnose(&self, case: DiagnosisInput, deadline: Duration) -> Diagnosis {
        let started_at = self.clock.now();
        let looker = Collector { prober: &*self.prober, clock: &*self.clock, guide: self.guide };
        let (evidence, cut_short) = looker.collect(case, deadline).await;
        let checks = checks::run(&evidence);
        Diagnosis {
            subject: evidence.case.subject.clone(),
            target: Some(evidence.case.target.clone()),
            causes: causes::rank(&evidence, &checks),
            checks,
            started_at,
            ended_at: self.clock.now(),
            cut_short,
            evidence: attachments_from_evidence(&evidence),
        }
    }
}
