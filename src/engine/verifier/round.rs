//! One round of probes of a job: its targets concurrently, within a time, and without blocking other jobs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::observation::{Requesters, TargetObservation};
use super::observe::{Observer, ProbeFailure};
use crate::clock::Stopwatch;
use crate::domain::{
    ComparisonContext, ItemOperation, ObservedResponse, Proof, SecondProbe, Target, TargetKind, Timestamp, Verdict,
    Verification, judge,
};
use crate::store::VerificationSample;

/// Probes of one job at once, so that they are no load for its hosts.
const PROBES_MAX: usize = 8;
/// Probes that the jobs share. Each job also has one of its own, which no other job can block: 32 at once in all.
pub(super) const SHARED_PROBES_MAX: usize = 16;
/// How long both sides of one target may take.
const TARGET_TIME_MAX: Duration = Duration::from_secs(25);

/// A refresh has two items for a URL, which is probed once. `extra` URLs, which verify a directory, have no items.
pub(super) fn by_target(samples: Vec<VerificationSample>, extra: Vec<Target>) -> BTreeMap<Target, Requesters> {
    let mut targets: BTreeMap<Target, Requesters> = extra.into_iter().map(|url| (url, Requesters::default())).collect();
    for sample in samples {
        let requesters = targets.entry(sample.target).or_default();
        requesters.items.push(sample.item);
        requesters.lanes.push(sample.lane);
    }
    targets
}

/// The observations of targets that were not probed, or whose probes failed as a whole.
pub(super) fn not_probed(targets: BTreeMap<Target, Requesters>, because: &str) -> Vec<TargetObservation> {
    let observations = targets.into_iter().map(|(target, requesters)| {
        let reason = format!("{target}: not probed: {because}");
        TargetObservation::new(target, requesters, Verification::Unknown, reason)
    });
    observations.collect()
}

/// The permits that a job's probes wait for.
pub(super) struct ProbePermits {
    pub(super) own: Semaphore,
    pub(super) shared: Arc<Semaphore>,
}

impl ProbePermits {
    pub(super) fn new(shared: Arc<Semaphore>) -> Self {
        Self { own: Semaphore::new(1), shared }
    }

    async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        tokio::select! {
            biased;
            permit = self.shared.acquire() => permit,
            permit = self.own.acquire() => permit,
        }
    }
}

/// How a job's targets are probed.
pub(super) struct ProbeRound {
    pub(super) observer: Arc<Observer>,
    pub(super) permits: ProbePermits,
    /// When the job ended at the provider.
    pub(super) finished_at: Timestamp,
    /// How long the round may take.
    pub(super) time: Duration,
}

impl ProbeRound {
    /// Probes the targets; one without a result in time is unknown for now.
    pub(super) async fn probe_all(&self, mut targets: BTreeMap<Target, Requesters>) -> Vec<TargetObservation> {
        let probes = targets.clone().into_iter().map(|(target, requesters)| self.probe(target, requesters));
        let mut probes = stream::iter(probes).buffer_unordered(PROBES_MAX);
        let mut observations = Vec::new();
        let all = async {
            while let Some(observation) = probes.next().await {
                targets.remove(&observation.target);
                observations.push(observation);
            }
        };
        if tokio::time::timeout(self.time, all).await.is_err() {
            tracing::debug!(targets = targets.len(), "the time of a round ended before these targets were probed");
        }
        observations.extend(targets.into_iter().map(|(target, requesters)| {
            let reason =
                format!("{target}: no response within {} s, the time for one round of probes", self.time.as_secs());
            TargetObservation::new(target, requesters, Verification::Unknown, reason)
        }));
        observations
    }

    async fn probe(&self, target: Target, requesters: Requesters) -> TargetObservation {
        // It fails only if a semaphore is closed, and none ever is.
        let _permit = self.permits.acquire().await;
        let watch = Stopwatch::start();
        let proof = self.observer.observe(&target, TARGET_TIME_MAX).await;
        let prefetched = requesters.lanes.iter().any(|lane| lane.operation == ItemOperation::Prefetch);
        let context = ComparisonContext { target: &target, origin_again: SecondProbe::None, prefetched, ended: None };
        let (verification, reason, again, proof) = match proof {
            Err(ProbeFailure { reason, again }) => (Verification::Unknown, reason, again, None),
            // An error page for a directory says nothing of the URLs below it.
            Ok(proof) if target.kind() == TargetKind::Directory && proof.origin.look.status >= 300 => {
                let status = proof.origin.look.status;
                let reason = format!("the directory itself answers {status}, and no URL below it is known");
                (Verification::Unknown, reason, false, Some(proof))
            }
            Ok(proof) => {
                let mut verdict = self.worst(context, &proof);
                if verdict.verification != Verification::Fresh {
                    // An origin that differs from itself proves nothing by its content.
                    let second = self.observer.origin(&target, TARGET_TIME_MAX.saturating_sub(watch.elapsed())).await;
                    let origin_again = match &second {
                        Ok(answer) => SecondProbe::Answer(&answer.look),
                        Err(failure) => SecondProbe::Failed(&failure.reason),
                    };
                    verdict = self.worst(ComparisonContext { origin_again, ..context }, &proof);
                }
                let again = verdict.verification != Verification::Fresh;
                (verdict.verification, verdict.reason, again, Some(proof))
            }
        };
        let reason = format!("{target}: {reason}");
        TargetObservation { again, proof, ..TargetObservation::new(target, requesters, verification, reason) }
    }

    /// A target that is stale at one edge is stale.
    fn worst(&self, context: ComparisonContext<'_>, proof: &Proof) -> Verdict {
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
            let ended = Some(edge.at.since(self.finished_at));
            let context = ComparisonContext { ended, ..context };
            let Verdict { verification, reason } = judge(context, &edge.look, &proof.origin.look);
            Verdict { verification, reason: format!("{}{reason}", at(edge)) }
        });
        verdicts.max_by_key(weight).unwrap_or_else(|| Verdict {
            verification: Verification::Unknown,
            reason: "there is no edge to probe".to_owned(),
        })
    }
}
