//! Why a refresh failed, or had no effect: looks at everything between the request and the edge, judges each thing by
//! itself, and ranks what explains the trouble. Looking (network) and judging (pure) are apart.

mod bundle;
pub mod cache_key;
mod causes;
mod checks;
mod collect;
mod diagnoser;
mod evidence;
mod format;
mod input;
mod late_release;
mod monitor;
mod near_target;
mod path_rules;
#[cfg(test)]
mod tests;
mod to_wire;
mod wire;

pub use bundle::{BundleMetadata, attachments_from_input, zip};
pub use cache_key::{KeyWarning, warnings};
pub use diagnoser::{DEADLINE, Diagnoser};
pub use evidence::{Evidence, Freshness, NotObserved, ProbeStage, RedirectObservation};
pub use input::{
    AccountContext, AccountSnapshot, Attempt, CurrentWait, DiagnosisInput, JobContext, KnownDomainState, PoolSnapshot,
};
pub use monitor::{AccountStatusSource, Finding, Monitor, MonitorDeps, MonitoredAccount};
pub use near_target::{NearRelation, NearTarget};
pub use wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer, DiagnosisRecord, StoredAttachment, SubjectAnswer};

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::Diagnosis;

/// Looks into a case, and judges.
#[async_trait]
pub trait Diagnose: Send + Sync {
    /// Ends at the latest when `deadline` is over, with what was seen by then.
    async fn diagnose(&self, case: DiagnosisInput, deadline: Duration) -> Diagnosis;
}
