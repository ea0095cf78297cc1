//! The verifier: probes the edge after the provider finished a job, until all targets are fresh, one is still stale after the
//! grace, or the deadline is over. Done and fresh are two facts.

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
use crate::clock::Stopwatch;
use crate::domain::{Backoff, JobId, Target, Timestamp, Verification};
use crate::notify::Notifiers;
use crate::random::Random;
use crate::store::{DueVerification, HostScan, ItemVerdict, Store, StoreError, VerificationRecord, VerificationSample};
use concurrency::ProbeSlots;
use observation::{Requesters, TargetObservation};
use observe::Observer;
use round::{ProbePermits, ProbeRound, SHARED_PROBES_MAX, by_target, not_probed};

/// Due jobs that a step reads, longest due first. If there are more, one host's jobs may hide the others, so a step also scans
/// host by host: a few jobs of each, so many hosts in a step, the next hosts after a pause.
const DUE_MAX: u32 = 64;
const SCAN_HOSTS: u32 = 256;
const SCAN_EACH: u32 = 8;
const SCAN_PAUSE: Duration = Duration::from_millis(50);
/// A host without a response for so long is silent.
const SILENT_AFTER: Duration = Duration::from_secs(3);
/// The probes of a job end after this, because other jobs wait for the slot.
const PROBE_TIME_MAX: Duration = Duration::from_secs(30);
/// Even the last probes, shortly before the deadline or after it, have so much time.
const PROBE_TIME_MIN: Duration = Duration::from_secs(5);
/// A job without a slot so long after the deadline is expired without a probe.
const SLOT_WAIT_MAX: Duration = Duration::from_secs(30);
const RETRY_BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(30) };

pub(super) struct Verifier {
    store: Arc<dyn Store>,
    observer: Arc<Observer>,
    accounts: Accounts,
    policy: Arc<VerifyPolicy>,
    lane_statuses: Arc<LaneStatuses>,
    notifiers: Notifiers,
    timeouts: EngineTimeouts,
    random: Random,
    slots: ProbeSlots,
    /// The host at which the last scan stopped; empty: it reached the last host.
    scan_after: String,
    shared: Arc<Semaphore>,
}

/// A job to probe, or to expire without a probe.
struct SelectedJob {
    due: DueVerification,
    is_probed: bool,
}

pub(super) struct ProbeCall {
    due: DueVerification,
    targets: BTreeMap<Target, Requesters>,
    grace: Duration,
    /// How long the probes may take; none: the job expires without a probe.
    time: Option<Duration>,
}

/// The observations of one round of probes of a job.
pub(super) struct JobObservation {
    due: DueVerification,
    observations: Vec<TargetObservation>,
    grace: Duration,
    /// Whether the host sent nothing, or used all its time; none: not known.
    silent: Option<bool>,
}

impl Verifier {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        let observer =
            Observer::new(deps.prober.clone(), deps.verify.clone(), Arc::new(AccountsLookup(deps.accounts.clone())));
        Self {
            store: deps.store.clone(),
            observer: Arc::new(observer),
            accounts: deps.accounts.clone(),
            policy: deps.verify.clone(),
            lane_statuses: deps.lane_statuses.clone(),
            notifiers: deps.notifiers.clone(),
            timeouts: deps.timeouts,
            random: deps.random.clone(),
            slots: ProbeSlots::default(),
            scan_after: String::new(),
            shared: Arc::new(Semaphore::new(SHARED_PROBES_MAX)),
        }
    }

    /// Selects jobs: first those whose host has a reserved slot, then those that may use a spare slot, then those that expire
    /// without a probe.
    async fn select_jobs(&mut self, now: Timestamp) -> Result<(Vec<SelectedJob>, Option<Timestamp>), StoreError> {
        let (due, mut next_at) = self.store.due_verifications(DUE_MAX, now).await?;
        let may_hide_others = due.len() >= DUE_MAX as usize;
        let mut selection = Vec::new();
        let mut verifications = self.assign_slots(due, &mut selection, ProbeSlots::has_reserved_slot);
        if may_hide_others && self.slots.has_free_slot() {
            let scan = HostScan { after: self.scan_after.clone(), hosts: SCAN_HOSTS, each: SCAN_EACH };
            match self.store.due_verifications_by_host(scan, now).await {
                Ok((due, ended_at)) => {
                    verifications.extend(self.assign_slots(due, &mut selection, ProbeSlots::has_reserved_slot));
                    if ended_at.is_some() {
                        next_at = Some(now + SCAN_PAUSE);
                    }
                    self.scan_after = ended_at.unwrap_or_default();
                }
                // The jobs with a slot are probed all the same.
                Err(error) => {
                    tracing::error!(error = ?error, "could not read the next hosts due for verification");
                }
            }
        }
        for due in self.assign_slots(verifications, &mut selection, ProbeSlots::has_spare_slot) {
            if now >= self.deadline(&due) + SLOT_WAIT_MAX && self.slots.may_expire_without_probe(due.id) {
                self.slots.expire_without_probe(due.id, &due.host);
                selection.push(SelectedJob { due, is_probed: false });
            }
        }
        Ok((selection, next_at))
    }

    /// Assigns slots to the jobs that may have one, and returns the others.
    fn assign_slots(
        &mut self,
        due: Vec<DueVerification>,
        selection: &mut Vec<SelectedJob>,
        may: impl Fn(&ProbeSlots, JobId, &str) -> bool,
    ) -> Vec<DueVerification> {
        let mut verifications = Vec::new();
        for due in due {
            if may(&self.slots, due.id, &due.host) {
                self.slots.take(due.id, &due.host);
                selection.push(SelectedJob { due, is_probed: true });
            } else {
                verifications.push(due);
            }
        }
        verifications
    }

    fn deadline(&self, due: &DueVerification) -> Timestamp {
        due.finished_at + self.timeouts.verify_deadline
    }

    async fn call(&self, SelectedJob { due, is_probed }: SelectedJob, now: Timestamp) -> Result<ProbeCall, StoreError> {
        let samples = self.store.sample_succeeded_items(due.job, self.policy.sample).await?;
        let extra = if is_probed { directories::below(&samples, &self.policy, &self.store).await? } else { Vec::new() };
        Ok(ProbeCall {
            time: is_probed.then(|| probe_time(self.deadline(&due), now)),
            grace: self.grace(&samples),
            targets: by_target(samples, extra),
            due,
        })
    }

    /// The operator's grace, or the provider's own if that is longer.
    fn grace(&self, samples: &[VerificationSample]) -> Duration {
        let effect = |sample: &VerificationSample| {
            let account = self.accounts.get(&sample.lane.account)?;
            Some(account.provider.capabilities().operation(&sample.lane)?.effect_after)
        };
        samples.iter().filter_map(effect).fold(self.policy.grace, Duration::max)
    }

    /// The job's verdict if it is final at `now`, otherwise when to probe again.
    fn conclude(&self, outcome: &JobObservation, now: Timestamp) -> Result<(Verification, String), Timestamp> {
        let JobObservation { due, observations, grace, .. } = outcome;
        let of = |target| observations.iter().filter(move |observation| observation.verification == target).count();
        let summary = |verification, rest: &str| {
            (verification, format!("{} of {} targets seen fresh{rest}", of(Verification::Fresh), observations.len()))
        };
        if !observations.is_empty() && of(Verification::Fresh) == observations.len() {
            let remark = observations
                .iter()
                .find_map(|observation| observation.reason.split_once("; but "))
                .map(|(_, remark)| remark);
            return Ok(summary(Verification::Fresh, &remark.map(|text| format!("; but {text}")).unwrap_or_default()));
        }
        let (deadline, settled) = (self.deadline(due), due.finished_at + *grace);
        let is_stale = of(Verification::Stale) > 0;
        if now < deadline && !(is_stale && now >= settled) && observations.iter().any(|observation| observation.again) {
            let next = now + RETRY_BACKOFF.wait(due.looks + 1, self.random.jitter());
            return Err(next.min(deadline).min(if is_stale { settled } else { deadline }));
        }
        let worst = if is_stale { Verification::Stale } else { Verification::Unknown };
        let example = observations
            .iter()
            .find(|observation| observation.verification == worst)
            .map_or("no target could be probed", |observation| &observation.reason);
        Ok(summary(worst, &format!("; {worst}: {example}")))
    }

    /// Purges the stale URLs once more, if the operator configured that, and returns a sentence for the job's history.
    async fn repurge(&self, outcome: &JobObservation, now: Timestamp) -> Result<Option<String>, StoreError> {
        if !self.policy.repurge {
            return Ok(None);
        }
        let Some(job) = self.store.job(outcome.due.id, None).await? else { return Ok(None) };
        let new = self.random.job_id(now);
        let second = repurge::purge_again(&job, &outcome.observations, &self.accounts, &self.store, new, now).await?;
        if let Some((id, urls)) = second {
            tracing::info!(job.id = %job.id, again = %id, urls, "purging the stale URLs of this job once more");
            self.notifiers.submitter.notify();
        }
        Ok(second.map(|(id, urls)| format!("{urls} stale URLs are purged once more by {id}")))
    }
}

/// The domains of all accounts, as the domain reader last read them.
struct AccountsLookup(Accounts);

impl DomainLookup for AccountsLookup {
    fn for_host(&self, host: &str) -> OriginAddresses {
        let domain = self.0.values().find_map(|account| Some((account, account.domains.for_host(host)?)));
        if let Some((account, domain)) = domain {
            return OriginAddresses::Facts { facts: domain.facts, agent: account.provider.capabilities().origin_agent };
        }
        // An account whose key may not read domains never gets them: do not wait for it.
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
        let (selection, next_at) = self.select_jobs(now).await?;
        let mut calls = Vec::new();
        for selection in selection {
            let id = selection.due.id;
            match self.call(selection, now).await {
                Ok(call) => calls.push(call),
                Err(error) => {
                    // Without this the job would hold its slot for ever.
                    self.slots.leave(id, None);
                    tracing::error!(job.id = %id, error = ?error, "could not prepare the probes of a job; trying again");
                }
            }
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, ProbeCall { due, targets, grace, time }: ProbeCall) -> BoxFuture<'static, Self::Answer> {
        let permits = ProbePermits::new(self.shared.clone());
        let observer = self.observer.clone();
        async move {
            let watch = Stopwatch::start();
            let (mut observations, silent) = match time {
                None => (not_probed(targets, "all probe slots were busy until verify.deadline"), None),
                Some(time) => {
                    let round = ProbeRound { observer, permits, finished_at: due.finished_at, time };
                    match catch_panic(Self::NAME, round.probe_all(targets.clone())).await {
                        Ok(observations) => {
                            let silent = is_silent(&observations, watch.elapsed(), time);
                            (observations, Some(silent))
                        }
                        Err(failure) => (not_probed(targets, &failure.message), None),
                    }
                }
            };
            directories::judge(&mut observations);
            observations.retain(|observation| !observation.items.is_empty());
            JobObservation { due, observations, grace, silent }
        }
        .boxed()
    }

    async fn record(&mut self, outcome: &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        let due = &outcome.due;
        let end = self.conclude(outcome, now);
        let mut repurged = None;
        match &end {
            Ok((Verification::Stale, summary)) => {
                tracing::warn!(job.id = %due.id, verification = "stale", "{summary}");
                repurged = self.repurge(outcome, now).await?;
            }
            Ok((verification, summary)) => {
                tracing::info!(job.id = %due.id, verification = %verification, "{summary}");
            }
            Err(_) => {}
        }
        let verdicts = outcome.observations.iter().flat_map(verdicts).collect();
        let verdict = end.as_ref().ok().map(|(verification, _)| *verification);
        self.store.record_verification(due.job, VerificationRecord { verdicts, repurged, end }, now).await?;
        if let Some(verification) = verdict {
            self.lane_statuses.counters.count(CounterKey::Verdict(verification), 1);
        }
        self.slots.leave(due.id, outcome.silent);
        self.notifiers.jobs.notify();
        Ok(())
    }
}

fn verdicts(observation: &TargetObservation) -> impl Iterator<Item = ItemVerdict> {
    observation.items.iter().map(|item| ItemVerdict {
        item: *item,
        verification: observation.verification,
        reason: observation.reason.clone(),
        proof: observation.proof.clone(),
    })
}

/// Whether the job's host counts as silent. A job may have several hosts, so one that used all its time counts as silent even if
/// some target was observed.
fn is_silent(observations: &[TargetObservation], elapsed: Duration, time: Duration) -> bool {
    elapsed >= time || elapsed >= SILENT_AFTER && observations.iter().all(|observation| observation.proof.is_none())
}

/// The time until the deadline, within bounds.
fn probe_time(deadline: Timestamp, now: Timestamp) -> Duration {
    deadline.since(now).clamp(PROBE_TIME_MIN, PROBE_TIME_MAX)
}
