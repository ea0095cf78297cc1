//! The verifier: looks at the edge once the provider says that a job is done, until it is seen fresh, is still stale after the
//! grace, or the deadline ends. Done and fresh are two facts.

mod concurrency;
mod directories;
mod observation;
mod observe;
mod origin;
mod policy;
mod repurge;
mod round;
#[cfg(test)]
mod tests;

pub use policy::VerifyPolicy;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use self::origin::{DomainLookup, OriginAddresses};
use super::counters::CounterKey;
use super::driver::{EngineService, Step, catch_panic};
use super::{Accounts, EngineDeps, EngineTimeouts, LaneStatuses};
use crate::clock::{self, Stopwatch};
use crate::domain::{Backoff, JobId, Target, Timestamp, Verification};
use crate::notify::Notifiers;
use crate::store::{DueVerification, HostScan, ItemVerdict, Store, StoreError, VerificationRecord, VerificationSample};
use concurrency::ProbeSlots;
use observation::{Requesters, TargetObservation};
use observe::Observer;
use round::{ProbePermits, ProbeRound, SHARED_PROBES_MAX, by_target, unasked};

/// Due jobs that a step reads, longest due first. If there are more, they may be a pile of one host's, and a step walks on
/// from host to host: a few of each, so many hosts at a time, the next ones after a moment.
const DUE_MAX: u32 = 64;
const WALK_HOSTS: u32 = 256;
const WALK_EACH: u32 = 8;
const WALK_ON: Duration = Duration::from_millis(50);
/// A host of which nothing was seen for so long is silent.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// A look at a job takes no longer, whatever its hosts do: others wait for its place.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// So much time has even the last look before the deadline, or the one after it.
const LOOK_MIN: Duration = Duration::from_secs(5);
/// Whoever has no place so long after the deadline waits no longer. Until then the last looks are made.
const LATE_MAX: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(30) };

pub(super) struct Verifier {
    store: Arc<dyn Store>,
    viewer: Arc<Observer>,
    accounts: Accounts,
    policy: Arc<VerifyPolicy>,
    board: Arc<LaneStatuses>,
    wakes: Notifiers,
    patience: EngineTimeouts,
    places: ProbeSlots,
    /// The host that the last walk came to; empty: to the last one.
    walked: String,
    shared: Arc<Semaphore>,
}

/// Whose turn it is; nobody is asked about a job that is too late.
struct SelectedJob {
    due: DueVerification,
    is_asked: bool,
}

pub(super) struct ProbeCall {
    due: DueVerification,
    targets: BTreeMap<Target, Requesters>,
    grace: Duration,
    ended: Duration,
    /// How long the look may take; none: there was no place for one, and it is too late.
    time: Option<Duration>,
}

/// One look at a job.
pub(super) struct JobObservation {
    due: DueVerification,
    viewed: Vec<TargetObservation>,
    grace: Duration,
    /// Whether the host said nothing, or held its place to the last second; none: that is not known.
    silent: Option<bool>,
}

impl Verifier {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        let viewer =
            Observer::new(deps.prober.clone(), deps.verify.clone(), Arc::new(AccountsLookup(deps.accounts.clone())));
        Self {
            store: deps.store.clone(),
            viewer: Arc::new(viewer),
            accounts: deps.accounts.clone(),
            policy: deps.verify.clone(),
            board: deps.lane_statuses.clone(),
            wakes: deps.notifiers.clone(),
            patience: deps.timeouts,
            places: ProbeSlots::default(),
            walked: String::new(),
            shared: Arc::new(Semaphore::new(SHARED_PROBES_MAX)),
        }
    }

    /// Chooses who is looked at, or told that nobody will be asked: first who has a place of its own, then who may have what
    /// is left, then who is too late.
    async fn choose(&mut self, now: Timestamp) -> Result<(Vec<SelectedJob>, Option<Timestamp>), StoreError> {
        let (due, mut next_at) = self.store.due_verifications(DUE_MAX, now).await?;
        let may_be_a_pile = due.len() >= DUE_MAX as usize;
        let mut chosen = Vec::new();
        let mut verifications = self.seat(due, &mut chosen, ProbeSlots::has_reserved_slot);
        if may_be_a_pile && self.places.has_free_slot() {
            let walk = HostScan { after: self.walked.clone(), hosts: WALK_HOSTS, each: WALK_EACH };
            match self.store.due_verifications_by_host(walk, now).await {
                Ok((due, ended_at)) => {
                    verifications.extend(self.seat(due, &mut chosen, ProbeSlots::has_reserved_slot));
                    if ended_at.is_some() {
                        next_at = Some(now + WALK_ON);
                    }
                    self.walked = ended_at.unwrap_or_default();
                }
                // Those who have a place by now are looked at all the same.
                Err(error) => {
                    tracing::error!(error = ?error, "could not read the next hosts due for verification");
                }
            }
        }
        for due in self.seat(verifications, &mut chosen, ProbeSlots::has_spare_slot) {
            if now >= self.deadline(&due) + LATE_MAX && self.places.may_expire_without_probe(due.id) {
                self.places.expire_without_probe(due.id, &due.host);
                chosen.push(SelectedJob { due, is_asked: false });
            }
        }
        Ok((chosen, next_at))
    }

    /// Gives places to those who may have one, and returns the others.
    fn seat(
        &mut self,
        due: Vec<DueVerification>,
        chosen: &mut Vec<SelectedJob>,
        may: impl Fn(&ProbeSlots, JobId, &str) -> bool,
    ) -> Vec<DueVerification> {
        let mut verifications = Vec::new();
        for due in due {
            if may(&self.places, due.id, &due.host) {
                self.places.take(due.id, &due.host);
                chosen.push(SelectedJob { due, is_asked: true });
            } else {
                verifications.push(due);
            }
        }
        verifications
    }

    fn deadline(&self, due: &DueVerification) -> Timestamp {
        due.finished_at + self.patience.verify_deadline
    }

    async fn call(&self, SelectedJob { due, is_asked }: SelectedJob, now: Timestamp) -> Result<ProbeCall, StoreError> {
        let samples = self.store.sample_succeeded_items(due.job, self.policy.sample).await?;
        let extra = if is_asked { directories::below(&samples, &self.policy, &self.store).await? } else { Vec::new() };
        Ok(ProbeCall {
            time: is_asked.then(|| look_time(self.deadline(&due), now)),
            ended: now.since(due.finished_at),
            grace: self.grace(&samples),
            targets: by_target(samples, extra),
            due,
        })
    }

    /// The operator's, or the provider's own figure if that is longer.
    fn grace(&self, samples: &[VerificationSample]) -> Duration {
        let effect = |sample: &VerificationSample| {
            let account = self.accounts.get(&sample.lane.account)?;
            Some(account.provider.capabilities().operation(&sample.lane)?.effect_after)
        };
        samples.iter().filter_map(effect).fold(self.policy.grace, Duration::max)
    }

    /// The job's verdict if it is final at `now`, otherwise when to look again.
    fn conclude(&self, glance: &JobObservation, now: Timestamp) -> Result<(Verification, String), Timestamp> {
        let JobObservation { due, viewed, grace, .. } = glance;
        let of = |target| viewed.iter().filter(move |view| view.verification == target).count();
        let summary = |verification, rest: &str| {
            (verification, format!("{} of {} targets seen fresh{rest}", of(Verification::Fresh), viewed.len()))
        };
        if !viewed.is_empty() && of(Verification::Fresh) == viewed.len() {
            let remark = viewed.iter().find_map(|view| view.reason.split_once("; but ")).map(|(_, remark)| remark);
            return Ok(summary(Verification::Fresh, &remark.map(|text| format!("; but {text}")).unwrap_or_default()));
        }
        let (deadline, settled) = (self.deadline(due), due.finished_at + *grace);
        let is_stale = of(Verification::Stale) > 0;
        if now < deadline && !(is_stale && now >= settled) && viewed.iter().any(|view| view.again) {
            let next = now + LOOK_AGAIN.wait(due.looks + 1, clock::jitter());
            return Err(next.min(deadline).min(if is_stale { settled } else { deadline }));
        }
        let worst = if is_stale { Verification::Stale } else { Verification::Unknown };
        let example = viewed
            .iter()
            .find(|view| view.verification == worst)
            .map_or("nothing could be looked at", |view| &view.reason);
        Ok(summary(worst, &format!("; {worst}: {example}")))
    }

    /// Has what stayed stale purged once more, if the operator wants that. Tells so in words.
    async fn repurge(&self, glance: &JobObservation, now: Timestamp) -> Result<Option<String>, StoreError> {
        if !self.policy.repurge {
            return Ok(None);
        }
        let Some(job) = self.store.job(glance.due.id, None).await? else { return Ok(None) };
        let again = repurge::purge_again(&job, &glance.viewed, &self.accounts, &self.store, now).await?;
        if let Some((id, urls)) = again {
            tracing::info!(job.id = %job.id, again = %id, urls, "what stayed stale is purged once more");
            self.wakes.submitter.notify();
        }
        Ok(again.map(|(id, urls)| format!("{urls} stale URLs are purged once more by {id}")))
    }
}

/// The domains of all accounts, as the facts reader keeps them.
struct AccountsLookup(Accounts);

impl DomainLookup for AccountsLookup {
    fn serving(&self, host: &str) -> OriginAddresses {
        let message = self.0.values().find_map(|account| Some((account, account.domains.for_host(host)?)));
        if let Some((account, domain)) = message {
            return OriginAddresses::Facts { facts: domain.facts, agent: account.provider.capabilities().origin_agent };
        }
        // An account whose key may not read its domains would be waited for in vain.
        let is_awaited =
            |account: &Arc<super::Account>| account.domains.read_at().is_none() && account.domains.failed().is_none();
        if self.0.values().any(is_awaited) { OriginAddresses::NotYet } else { OriginAddresses::NoSuchDomain }
    }
}

#[async_trait]
impl EngineService for Verifier {
    type Call = ProbeCall;
    type Answer = JobObservation;

    const NAME: &'static str = "verifier";

    async fn step(&mut self, now: Timestamp) -> Result<Step<ProbeCall>, StoreError> {
        let (chosen, next_at) = self.choose(now).await?;
        let mut calls = Vec::new();
        for chosen in chosen {
            let id = chosen.due.id;
            match self.call(chosen, now).await {
                Ok(call) => calls.push(call),
                Err(error) => {
                    // In its place it would never be looked at again.
                    self.places.leave(id, None);
                    tracing::error!(job.id = %id, error = ?error, "a look at a job could not be prepared");
                }
            }
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, ProbeCall { due, targets, grace, ended, time }: ProbeCall) -> BoxFuture<'static, Self::Answer> {
        let turns = ProbePermits::new(self.shared.clone());
        let viewer = self.viewer.clone();
        async move {
            let watch = Stopwatch::start();
            let (mut viewed, silent) = match time {
                None => (unasked(targets, "not probed: all probe slots were busy until verify.deadline"), None),
                Some(time) => {
                    let round = ProbeRound { viewer, turns, ended, time };
                    match catch_panic(Self::NAME, round.look(targets.clone())).await {
                        Ok(viewed) => {
                            let silent = is_silent(&viewed, watch.elapsed(), time);
                            (viewed, Some(silent))
                        }
                        Err(broken) => (unasked(targets, &broken.message), None),
                    }
                }
            };
            directories::judge(&mut viewed);
            viewed.retain(|view| !view.items.is_empty());
            JobObservation { due, viewed, grace, silent }
        }
        .boxed()
    }

    async fn record(&mut self, glance: &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        let due = &glance.due;
        let end = self.conclude(glance, now);
        let mut repurged = None;
        match &end {
            Ok((Verification::Stale, summary)) => {
                tracing::warn!(job.id = %due.id, verification = "stale", "{summary}");
                repurged = self.repurge(glance, now).await?;
            }
            Ok((verification, summary)) => {
                tracing::info!(job.id = %due.id, verification = %verification, "{summary}");
            }
            Err(_) => {}
        }
        let verdicts = glance.viewed.iter().flat_map(verdicts).collect();
        let verdict = end.as_ref().ok().map(|(verification, _)| *verification);
        self.store.record_verification(due.job, VerificationRecord { verdicts, repurged, end }, now).await?;
        if let Some(verification) = verdict {
            self.board.counters.count(CounterKey::Verdict(verification), 1);
        }
        self.places.leave(due.id, glance.silent);
        self.wakes.jobs.notify();
        Ok(())
    }
}

fn verdicts(view: &TargetObservation) -> impl Iterator<Item = ItemVerdict> {
    view.items.iter().map(|item| ItemVerdict {
        item: *item,
        verification: view.verification,
        reason: view.reason.clone(),
        proof: view.proof.clone(),
    })
}

/// Whether the job's host is to be booked as one that says nothing. A job may have others beside it, so whoever held the
/// place to the last second counts as that, whatever was seen.
fn is_silent(viewed: &[TargetObservation], elapsed: Duration, time: Duration) -> bool {
    elapsed >= time || elapsed >= SILENT_AFTER && viewed.iter().all(|view| view.proof.is_none())
}

/// What is left until the deadline, within bounds.
fn look_time(deadline: Timestamp, now: Timestamp) -> Duration {
    deadline.since(now).clamp(LOOK_MIN, LOOK_MAX)
}
