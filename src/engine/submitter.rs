//! The submitter: claims what may be sent, makes the calls, and records each answer's consequence.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::counters::CounterKey;
use super::driver::{EngineService, Step, catch_panic};
use super::in_flight::InFlight;
use super::lane_status::{LaneStatuses, Wait};
use super::promoter::Promoter;
use super::scheduler::{Decision, LaneLoad, decide};
use super::tenant_quota::tenant_shares;
use super::waits::{account_removed, claim_failed, items_deferred, lane_paused};
use super::{Accounts, EngineDeps, EngineTimeouts};
use crate::domain::{ErrorClass, Failure, Lane, LaneId, SubmissionId, SubmissionState, Target, TargetKind, Timestamp};
use crate::notify::Notifiers;
use crate::provider::{CallLimiter, SubmitOutcome};
use crate::random::Random;
use crate::store::{Grant, Guarded, LaneDepth, Release, ReleaseAction, Store, StoreError};

pub(super) struct Submitter {
    store: Arc<dyn Store>,
    accounts: Accounts,
    lane_statuses: Arc<LaneStatuses>,
    notifiers: Notifiers,
    timeouts: EngineTimeouts,
    random: Random,
    in_flight_calls: InFlight,
    /// Which lane is decided first, among lanes of equal priority; moves on with each step.
    first_lane: usize,
    promoter: Promoter,
}

/// A call whose intent is on disk.
pub(super) struct SubmitCall {
    pending: PendingCall,
    targets: Vec<Target>,
}

/// What is needed to record an answer.
#[derive(Clone)]
pub(super) struct PendingCall {
    submission: SubmissionId,
    lane: Lane,
    account: Arc<Account>,
    /// Distinct targets: what the provider charges.
    units: u64,
    hosts: BTreeSet<String>,
}

impl PendingCall {
    /// The host of all targets, if it is one.
    fn only_host(&self) -> Option<&str> {
        if self.hosts.len() == 1 { self.hosts.first().map(String::as_str) } else { None }
    }
}

impl Submitter {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            lane_statuses: deps.lane_statuses.clone(),
            notifiers: deps.notifiers.clone(),
            timeouts: deps.timeouts,
            random: deps.random.clone(),
            in_flight_calls: InFlight::default(),
            first_lane: 0,
            promoter: Promoter::new(deps),
        }
    }

    /// Claims one batch of the lane if it may send; otherwise says why not.
    async fn claim(
        &mut self,
        depth: &mut LaneDepth,
        now: Timestamp,
    ) -> Result<Result<SubmitCall, Option<Wait>>, StoreError> {
        let [urgent, normal, bulk] = depth.due;
        let Some(account) = self.accounts.get(&depth.lane.account).cloned() else {
            return Ok(Err(Some(account_removed(&depth.lane))));
        };
        if urgent + normal + bulk == 0 {
            return Ok(Err(None));
        }
        let load = LaneLoad {
            urgent,
            others: normal + bulk,
            batch_max: account.provider.capabilities().batch_targets_max(&depth.lane),
            in_flight: self.in_flight_calls.in_flight(depth),
            paused: depth.paused.as_ref().map(lane_paused),
        };
        let (targets_max, others_max) = match decide(&load, &account.limits_for(&depth.lane, now), now) {
            Decision::Send { targets_max, others_max } => (targets_max, others_max),
            Decision::Wait(waiting) => return Ok(Err(Some(waiting))),
            Decision::AskQuota(waiting) => {
                account.want_quota(depth.lane.operation);
                self.notifiers.quota_reader.notify();
                return Ok(Err(Some(waiting)));
            }
        };
        let shares = tenant_shares(&account, &depth.lane, self.store.as_ref(), now).await?;
        account.reserve(&depth.lane, u64::from(targets_max), now);
        let bytes_max = account.provider.capabilities().batch_bytes_max(&depth.lane);
        let suspended_hosts = account.hosts(|hosts| hosts.suspended_hosts(depth.lane.operation));
        let sequence = self.in_flight_calls.call_sequence(depth.id);
        let grant = Grant {
            lane: depth.id,
            sequence,
            targets_max,
            non_urgent_max: others_max,
            bytes_max,
            online_hosts: account.domains.online_hosts(now),
            suspended_hosts,
            shares,
        };
        let claim = self.store.claim(grant, now).await;
        let claimed = match &claim {
            Ok(Some(claim)) => u64::try_from(claim.targets.len()).unwrap_or(u64::MAX),
            // If the claim committed after all, `in_flight.rs` finds it as an orphan and releases it: there is no call for it.
            Ok(None) | Err(_) => {
                account.return_token(&depth.lane);
                0
            }
        };
        if claim.is_err() {
            self.in_flight_calls.expect_orphan();
        }
        account.return_quota(&depth.lane, u64::from(targets_max).saturating_sub(claimed));
        let Some(claim) = claim? else { return Ok(Err(Some(items_deferred(now)))) };
        self.in_flight_calls.add(claim.submission, depth.id);
        if claim.isolated {
            self.lane_statuses.count_isolated_call(depth.id);
        }
        subtract_by_priority(&mut depth.due, u64::from(claim.items));
        let pending = PendingCall {
            submission: claim.submission,
            lane: depth.lane.clone(),
            account,
            units: claimed,
            hosts: claim.targets.iter().map(|target| target.host().to_owned()).collect(),
        };
        Ok(Ok(SubmitCall { pending, targets: claim.targets }))
    }

    /// The provider returned the task id of another submission: its task list shows which of them the task is.
    async fn record_known_task(&self, submission: SubmissionId, task: &str, now: Timestamp) -> Result<(), StoreError> {
        tracing::error!(submission.id = submission.0, task = %task, "the provider returned the task id of another submission; checking its task list");
        let message = format!("the provider returned task {task}, which belongs to another submission");
        let failure = Failure::new(ErrorClass::Lost, "known_task", message);
        self.store.mark_ambiguous(submission, failure, now, now).await?;
        self.notifiers.reconciler.notify();
        Ok(())
    }

    /// A host is not the account's. Its other items are isolated from now on.
    async fn reject_host(&self, pending: &PendingCall, failure: &Failure, now: Timestamp) -> Result<(), StoreError> {
        let suspect = |host: &str| {
            pending
                .account
                .hosts(|hosts| hosts.suspect((pending.lane.operation, host), pending.submission, failure, now));
            ReleaseAction::Fail
        };
        self.refused_for_a_host(pending, failure, pending.only_host().map_or(ReleaseAction::SplitHosts, suspect), now)
            .await
    }

    /// A host cannot be refreshed now.
    async fn park(&self, pending: &PendingCall, failure: &Failure, now: Timestamp) -> Result<(), StoreError> {
        let park = |host: &str| {
            let jitter = self.random.jitter();
            let of = (pending.lane.operation, host);
            let until = pending.account.hosts(|hosts| hosts.park(of, pending.submission, failure, jitter, now));
            ReleaseAction::Park { until }
        };
        self.refused_for_a_host(pending, failure, pending.only_host().map_or(ReleaseAction::SplitHosts, park), now)
            .await
    }

    async fn refused_for_a_host(
        &self,
        pending: &PendingCall,
        failure: &Failure,
        items: ReleaseAction,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.give_back(pending, SubmissionState::Refused, failure, items, now).await?;
        pending.account.clear_pauses(pending.account.provider.submit_action(&pending.lane));
        pending.account.domains.mark_stale();
        self.notifiers.domain_reader.notify();
        Ok(())
    }

    async fn give_back(
        &self,
        pending: &PendingCall,
        state: SubmissionState,
        failure: &Failure,
        items: ReleaseAction,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let release = Release { state, failure: failure.clone(), items };
        self.store.release(pending.submission, release, now).await?;
        pending.account.return_quota(&pending.lane, pending.units);
        Ok(())
    }
}

#[async_trait]
impl EngineService for Submitter {
    type Call = SubmitCall;
    type Answer = (PendingCall, SubmitOutcome);

    const NAME: &'static str = "submitter";

    async fn step(&mut self, now: Timestamp) -> Result<Step<SubmitCall>, StoreError> {
        if self.in_flight_calls.release_orphans(self.store.as_ref(), now).await? {
            self.notifiers.jobs.notify();
        }
        let mut next_at = self.store.next_timer().await?;
        if next_at.is_some_and(|at| at <= now) {
            self.store.fire_timers(now).await?;
            self.notifiers.jobs.notify();
            next_at = self.store.next_timer().await?;
        }
        let mut depths = self.store.lane_depths().await?;
        // Promotion only saves quota; without it the URLs are sent one by one.
        let promoted = self.promoter.step(&depths, now).await.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "could not promote URL purges to directories; the URLs are purged individually");
            false
        });
        if promoted {
            depths = self.store.lane_depths().await?;
        }
        // Lanes with urgent items send first, and equal lanes take turns; the store orders the items of a lane.
        if !depths.is_empty() {
            let first = self.first_lane % depths.len();
            depths.rotate_left(first);
            self.first_lane = self.first_lane.wrapping_add(1);
        }
        // Directories go before the URLs that may coalesce into them.
        depths.sort_by_key(|depth| (depth.due.iter().position(|due| *due > 0), depth.lane.kind == TargetKind::Url));
        let mut calls = Vec::new();
        let mut waits: HashMap<LaneId, Wait> = HashMap::new();
        // One batch of each lane; the next step claims the next one.
        for depth in &mut depths {
            // The calls of other lanes are on disk as sent: an error of this lane must not drop them.
            let claimed =
                self.claim(depth, now).await.unwrap_or_else(|error| Err(Some(claim_failed(depth, &error, now))));
            match claimed {
                Ok(call) => {
                    calls.push(call);
                    next_at = Some(now);
                }
                Err(Some(waiting)) => {
                    next_at = min_some(next_at, waiting.until);
                    waits.insert(depth.id, waiting);
                }
                Err(None) => {}
            }
        }
        self.lane_statuses.publish(depths.into_iter().map(|depth| {
            let waiting = waits.remove(&depth.id);
            (depth.id, depth.lane, waiting, depth.due.iter().sum())
        }));
        if !calls.is_empty() {
            self.notifiers.jobs.notify();
        }
        Ok(Step { calls, next_at: min_some(next_at, self.in_flight_calls.next_check()) })
    }

    fn perform(&self, call: SubmitCall) -> BoxFuture<'static, (PendingCall, SubmitOutcome)> {
        async move {
            let SubmitCall { pending, targets } = call;
            let answer = catch_panic(Self::NAME, pending.account.provider.submit(&pending.lane, &targets)).await;
            // After a panic it is not known how far the call came.
            let answer =
                answer.unwrap_or_else(|failure| SubmitOutcome::Lost(Failure { class: ErrorClass::Lost, ..failure }));
            // The token is released now, not when the outcome is recorded: waiting for the database would lower the rate.
            pending.account.release(pending.account.provider.submit_action(&pending.lane));
            (pending, answer)
        }
        .boxed()
    }

    async fn record(
        &mut self,
        (pending, answer): &(PendingCall, SubmitOutcome),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let PendingCall { submission, lane, account, units, hosts, .. } = pending;
        let action = account.provider.submit_action(lane);
        let (refused, released) = (SubmissionState::Refused, SubmissionState::Released);
        match answer {
            SubmitOutcome::Accepted { task, request_id } => {
                let due_at = now + self.timeouts.poll_first;
                let outcome = self.store.accept(*submission, &task.0, request_id.as_deref(), due_at, now).await?;
                if outcome == Guarded::Conflict {
                    self.record_known_task(*submission, &task.0, now).await?;
                } else {
                    account.charged(lane, *units);
                }
                account.hosts(|suspensions| suspensions.clear(lane.operation, hosts));
                account.clear_pauses(action);
                self.notifiers.poller.notify();
            }
            SubmitOutcome::Throttled(failure) => {
                self.give_back(pending, refused, failure, ReleaseAction::Requeue, now).await?;
                account.throttle(action, now);
            }
            SubmitOutcome::QuotaSpent(failure) => {
                self.give_back(pending, refused, failure, ReleaseAction::Requeue, now).await?;
                account.exhaust(lane, now);
                self.notifiers.quota_reader.notify();
            }
            // Halves fit sooner or later; the next quota reading has the batch limit. A batch of one target is not too large.
            SubmitOutcome::TooMany(failure) if *units > 1 => {
                self.give_back(pending, refused, failure, ReleaseAction::SplitTargets, now).await?;
                account.want_quota(lane.operation);
            }
            SubmitOutcome::TargetRefused(failure) => {
                self.give_back(pending, refused, failure, ReleaseAction::SplitTargets, now).await?;
                account.clear_pauses(action);
            }
            SubmitOutcome::HostRefused(failure) => self.reject_host(pending, failure, now).await?,
            SubmitOutcome::HostUnready(failure) => self.park(pending, failure, now).await?,
            SubmitOutcome::AccountRefused(failure)
            | SubmitOutcome::Outage(failure)
            | SubmitOutcome::TooMany(failure) => {
                self.give_back(pending, refused, failure, ReleaseAction::Requeue, now).await?;
                account.pause(action, failure, self.random.jitter(), now);
            }
            SubmitOutcome::NotSent(failure) => {
                self.give_back(pending, released, failure, ReleaseAction::Requeue, now).await?;
                account.pause(action, failure, self.random.jitter(), now);
            }
            // The request was sent and no answer came: it may be done. Look it up before sending again.
            SubmitOutcome::Lost(failure) => {
                self.store.mark_ambiguous(*submission, failure.clone(), now, now).await?;
                self.notifiers.reconciler.notify();
            }
        }
        if !matches!(answer, SubmitOutcome::Accepted { .. }) {
            tracing::warn!(submission.id = submission.0, lane = %lane, answer = ?answer, "the provider did not accept a submission");
        }
        let (account_name, operation) = (account.name.clone(), lane.operation);
        self.lane_statuses
            .counters
            .count(CounterKey::Submission { account: account_name, operation, answer: answer.word() }, 1);
        account.close_call();
        self.in_flight_calls.remove(*submission);
        self.notifiers.jobs.notify();
        Ok(())
    }
}

fn subtract_by_priority(due: &mut [u64; 3], mut items: u64) {
    for count in due {
        let count_now = items.min(*count);
        *count -= count_now;
        items -= count_now;
    }
}

fn min_some(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
