//! One look at a job: its targets side by side, within a time, and without being in anybody's way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::observation::{Requesters, TargetObservation};
use super::observe::{Observer, ProbeFailure};
use crate::domain::{
    ComparisonContext, ItemOperation, ObservedResponse, Proof, Target, TargetKind, Verdict, Verification, judge,
};
use crate::store::VerificationSample;

/// Probes of one job at once, so that a look is not a load.
const PROBES_MAX: usize = 8;
/// Probes that the jobs share. With the one that each job has for itself, and whose turn nobody can hold up, that makes 32
/// at once.
pub(super) const SHARED_PROBES_MAX: usize = 16;
/// So long both sides of one target may take.
const VIEW_MAX: Duration = Duration::from_secs(25);

/// A refresh has two items for a URL; its edge is looked at once. URLs that only stand for a directory have none.
pub(super) fn by_target(samples: Vec<VerificationSample>, extra: Vec<Target>) -> BTreeMap<Target, Requesters> {
    let mut targets: BTreeMap<Target, Requesters> = extra.into_iter().map(|url| (url, Requesters::default())).collect();
    for sample in samples {
        let requesters = targets.entry(sample.target).or_default();
        requesters.items.push(sample.item);
        requesters.lanes.push(sample.lane);
    }
    targets
}

/// What is said of targets that nobody looks at, or whose look nobody can tell of.
pub(super) fn unasked(targets: BTreeMap<Target, Requesters>, because: &str) -> Vec<TargetObservation> {
    let unseen = targets.into_iter().map(|(target, requesters)| {
        let reason = format!("{target}: not looked at: {because}");
        TargetObservation::new(target, requesters, Verification::Unknown, reason)
    });
    unseen.collect()
}

/// Where a job's probes take their turns.
pub(super) struct ProbePermits {
    pub(super) own: Semaphore,
    pub(super) shared: Arc<Semaphore>,
}

impl ProbePermits {
    pub(super) fn new(shared: Arc<Semaphore>) -> Self {
        Self { own: Semaphore::new(1), shared }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        tokio::select! {
            biased;
            turn = self.shared.acquire() => turn,
            turn = self.own.acquire() => turn,
        }
    }
}

/// What is looked at, by whom, and how long after the job's end.
pub(super) struct ProbeRound {
    pub(super) viewer: Arc<Observer>,
    pub(super) turns: ProbePermits,
    pub(super) ended: Duration,
    /// How long the look may take.
    pub(super) time: Duration,
}

impl ProbeRound {
    /// Looks at the targets; what was not seen in time is unknown for now.
    pub(super) async fn look(&self, mut targets: BTreeMap<Target, Requesters>) -> Vec<TargetObservation> {
        let views = targets.clone().into_iter().map(|(target, requesters)| self.view(target, requesters));
        let mut views = stream::iter(views).buffer_unordered(PROBES_MAX);
        let mut viewed = Vec::new();
        let all = async {
            while let Some(view) = views.next().await {
                targets.remove(&view.target);
                viewed.push(view);
            }
        };
        if tokio::time::timeout(self.time, all).await.is_err() {
            tracing::debug!(targets = targets.len(), "a look at a job ended before all of these were seen");
        }
        viewed.extend(targets.into_iter().map(|(target, goal)| {
            let reason =
                format!("{target}: not seen within {} s, the time for one look at the job", self.time.as_secs());
            TargetObservation::new(target, goal, Verification::Unknown, reason)
        }));
        viewed
    }

    async fn view(&self, target: Target, requesters: Requesters) -> TargetObservation {
        // An error would say that the turns were closed, which nobody does.
        let _turn = self.turns.turn().await;
        let seen = self.viewer.view(&target, VIEW_MAX).await;
        let prefetched = requesters.lanes.iter().any(|lane| lane.operation == ItemOperation::Prefetch);
        let refreshed = ComparisonContext { target: &target, prefetched, ended: self.ended };
        let (verification, reason, again, proof) = match seen {
            Err(ProbeFailure { reason, again }) => (Verification::Unknown, reason, again, None),
            // An error page for a directory says nothing of what lies below it.
            Ok(proof) if target.kind() == TargetKind::Directory && proof.origin.look.status >= 300 => {
                let status = proof.origin.look.status;
                let reason = format!("the directory itself answers {status}, and no URL below it is known");
                (Verification::Unknown, reason, false, Some(proof))
            }
            Ok(proof) => {
                let verdict = worst(refreshed, &proof);
                let again = verdict.verification != Verification::Fresh;
                (verdict.verification, verdict.reason, again, Some(proof))
            }
        };
        let reason = format!("{target}: {reason}");
        TargetObservation { again, proof, ..TargetObservation::new(target, requesters, verification, reason) }
    }
}

/// What is stale at one edge is stale.
fn worst(refreshed: ComparisonContext<'_>, proof: &Proof) -> Verdict {
    let weight = |verdict: &Verdict| match verdict.verification {
        Verification::Stale => 2,
        Verification::Unknown => 1,
        Verification::Fresh | Verification::None | Verification::Pending => 0,
    };
    let at = |edge: &ObservedResponse| match edge.address {
        Some(address) if proof.edges.len() > 1 => format!("at {address} "),
        _ => String::new(),
    };
    let verdicts = proof.edges.iter().map(|edge| {
        let Verdict { verification, reason } = judge(refreshed, &edge.look, &proof.origin.look);
        Verdict { verification, reason: format!("{}{reason}", at(edge)) }
    });
    verdicts.max_by_key(weight).unwrap_or_else(|| Verdict {
        verification: Verification::Unknown,
        reason: "there is no edge to look at".to_owned(),
    })
}
