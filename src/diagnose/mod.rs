//! Why a refresh failed, or had no effect: looks at everything between the request and the edge, judges each thing by
//! itself, and ranks what explains the trouble. Looking (network) and judging (pure) are apart.

pub mod cache_key;
mod case;
mod causes;
mod evidence;
mod exhibits;
mod judges;
mod look;
mod paths;
#[cfg(test)]
mod tests;
mod wording;

use std::sync::Arc;
use std::time::Duration;

pub use cache_key::{KeyWarning, same_object, warnings};
pub use case::{AccountState, Attempt, Case, Circumstances, Hold, Known, PoolState, Request};
pub use evidence::{Evidence, Freshness, Moved, Reached, Source, Unseen};

use self::look::Looker;
use crate::clock::Clock;
use crate::domain::Diagnosis;
use crate::probe::Eyes;
use crate::provider::{GUIDE, Guide};

/// A diagnosis of one target takes no longer, unless somebody allows more.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Looks, judges and ranks.
#[derive(Clone)]
pub struct Diagnoser {
    eyes: Arc<dyn Eyes>,
    clock: Arc<dyn Clock>,
    guide: &'static Guide,
}

impl Diagnoser {
    #[must_use]
    pub fn new(eyes: Arc<dyn Eyes>, clock: Arc<dyn Clock>) -> Self {
        Self { eyes, clock, guide: &GUIDE }
    }

    /// Ends within `deadline`, even if nothing answers; what was not seen by then is unknown.
    pub async fn diagnose(&self, case: Case, deadline: Duration) -> Diagnosis {
        let started_at = self.clock.now();
        let looker = Looker { eyes: &*self.eyes, clock: &*self.clock, guide: self.guide };
        let (evidence, cut_short) = looker.collect(case, deadline).await;
        let checks = judges::judged(&evidence);
        Diagnosis {
            subject: evidence.case.subject.clone(),
            target: Some(evidence.case.target.clone()),
            causes: causes::ranked(&evidence, &checks),
            checks,
            started_at,
            ended_at: self.clock.now(),
            cut_short,
            evidence: exhibits::exhibits(&evidence),
        }
    }
}
