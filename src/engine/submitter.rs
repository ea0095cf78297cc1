//! The submitter: claims what may go, hands out the calls, and turns each answer into its one cure.

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
use crate::clock;
use crate::domain::{ErrorClass, Failure, Lane, LaneId, SubmissionId, SubmissionState, Target, TargetKind, Timestamp};
use crate::notify::Notifiers;
use crate::provider::{CallLimiter, SubmitOutcome};
use crate::store::{Grant, Guarded, LaneDepth, Release, ReleaseAction, Store, StoreError};

pub(super) struct Submitter {
    store: Arc<dyn Store>,
    accounts: Accounts,
    board: Arc<LaneStatuses>,
    wakes: Notifiers,
    patience: EngineTimeouts,
    in_flight_calls: InFlight,
    /// Whose turn it is to be asked first, among lanes of equal priority.
    turn: usize,
    promoter: Promoter,
}

/// A call whose intent is on disk.
pub(super) struct SubmitCall {
    ticket: PendingCall,
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
    /// The host that all targets have, if it is one.
    fn only_host(&self) -> Option<&str> {
        if self.hosts.len() == 1 { self.hosts.first().map(String::as_str) } else { None }
    }
}

impl Submitter {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            board: deps.lane_statuses.clone(),
            wakes: deps.notifiers.clone(),
            patience: deps.timeouts,
            in_flight_calls: InFlight::default(),
            turn: 0,
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
        let view = LaneLoad {
            urgent,
            others: normal + bulk,
            batch_max: account.provider.capabilities().batch_targets_max(&depth.lane),
            in_flight: self.in_flight_calls.in_flight(depth),
            paused: depth.paused.as_ref().map(lane_paused),
        };
        let (targets_max, others_max) = match decide(&view, &account.limits_for(&depth.lane, now), now) {
            Decision::Send { targets_max, others_max } => (targets_max, others_max),
            Decision::Wait(waiting) => return Ok(Err(Some(waiting))),
            Decision::AskQuota(waiting) => {
                account.want_quota(depth.lane.operation);
                self.wakes.quota_reader.notify();
                return Ok(Err(Some(waiting)));
            }
        };
        let shares = tenant_shares(&account, &depth.lane, self.store.as_ref(), now).await?;
        account.reserve(&depth.lane, u64::from(targets_max), now);
        let bytes_max = account.provider.capabilities().batch_bytes_max(&depth.lane);
        let suspects = account.hosts(|hosts| hosts.suspended_hosts(depth.lane.operation));
        let turn = self.in_flight_calls.call_sequence(depth.id);
        let grant = Grant {
            lane: depth.id,
            sequence: turn,
            targets_max,
            non_urgent_max: others_max,
            bytes_max,
            suspended_hosts: suspects,
            shares,
        };
        let claim = self.store.claim(grant, now).await;
        let claimed = match &claim {
            Ok(Some(claim)) => u64::try_from(claim.targets.len()).unwrap_or(u64::MAX),
            // If it was made all the same, it is found among the strays and given back: there is no call for it.
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
            self.board.count_isolated_call(depth.id);
        }
        take_from(&mut depth.due, u64::from(claim.items));
        let ticket = PendingCall {
            submission: claim.submission,
            lane: depth.lane.clone(),
            account,
            units: claimed,
            hosts: claim.targets.iter().map(|target| target.host().to_owned()).collect(),
        };
        Ok(Ok(SubmitCall { ticket, targets: claim.targets }))
    }

    /// The provider named a task that another submission has: which of them it is, its list must tell.
    async fn suspect_host(&self, submission: SubmissionId, task: &str, now: Timestamp) -> Result<(), StoreError> {
        tracing::error!(submission.id = submission.0, task = %task, "the provider named a task that is known already");
        let message = format!("the provider named task {task}, which another submission has");
        let failure = Failure::new(ErrorClass::Lost, "known_task", message);
        self.store.mark_ambiguous(submission, failure, now, now).await?;
        self.wakes.reconciler.notify();
        Ok(())
    }

    /// Some host is not the account's. What else is pending of it will travel apart.
    async fn reject_host(&self, ticket: &PendingCall, failure: &Failure, now: Timestamp) -> Result<(), StoreError> {
        let doubt = |host: &str| {
            ticket.account.hosts(|hosts| hosts.suspect((ticket.lane.operation, host), ticket.submission, failure, now));
            ReleaseAction::Fail
        };
        self.refused_for_a_host(ticket, failure, ticket.only_host().map_or(ReleaseAction::SplitHosts, doubt), now).await
    }

    /// Some host cannot be refreshed as it is.
    async fn park(&self, ticket: &PendingCall, failure: &Failure, now: Timestamp) -> Result<(), StoreError> {
        let park = |host: &str| {
            let jitter = clock::jitter();
            let of = (ticket.lane.operation, host);
            let until = ticket.account.hosts(|hosts| hosts.park(of, ticket.submission, failure, jitter, now));
            ReleaseAction::Park { until }
        };
        self.refused_for_a_host(ticket, failure, ticket.only_host().map_or(ReleaseAction::SplitHosts, park), now).await
    }

    async fn refused_for_a_host(
        &self,
        ticket: &PendingCall,
        failure: &Failure,
        items: ReleaseAction,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.give_back(ticket, SubmissionState::Refused, failure, items, now).await?;
        ticket.account.clear_pauses(ticket.account.provider.submit_action(&ticket.lane));
        ticket.account.domains.mark_stale();
        self.wakes.facts_reader.notify();
        Ok(())
    }

    async fn give_back(
        &self,
        ticket: &PendingCall,
        state: SubmissionState,
        failure: &Failure,
        items: ReleaseAction,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let back = Release { state, failure: failure.clone(), items };
        self.store.release(ticket.submission, back, now).await?;
        ticket.account.return_quota(&ticket.lane, ticket.units);
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
            self.wakes.jobs.notify();
        }
        let mut next_at = self.store.next_timer().await?;
        if next_at.is_some_and(|at| at <= now) {
            self.store.fire_timers(now).await?;
            self.wakes.jobs.notify();
            next_at = self.store.next_timer().await?;
        }
        let mut depths = self.store.lane_depths().await?;
        // Promotion saves quota; without it everything goes all the same.
        let promoted = self.promoter.step(&depths, now).await.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "the store failed to promote; the URLs go by themselves");
            false
        });
        if promoted {
            depths = self.store.lane_depths().await?;
        }
        // Lanes whose urgent work waits send first, and equal ones take turns; the store keeps the order within a lane.
        if !depths.is_empty() {
            let first = self.turn % depths.len();
            depths.rotate_left(first);
            self.turn = self.turn.wrapping_add(1);
        }
        // Directories go before the URLs that may ride on them.
        depths.sort_by_key(|depth| (depth.due.iter().position(|due| *due > 0), depth.lane.kind == TargetKind::Url));
        let mut calls = Vec::new();
        let mut waits: HashMap<LaneId, Wait> = HashMap::new();
        // One batch of each lane; the next one when these calls have left.
        for depth in &mut depths {
            // The calls of other lanes are on disk as sent: whatever happens to this one, they must go.
            let claimed =
                self.claim(depth, now).await.unwrap_or_else(|error| Err(Some(claim_failed(depth, &error, now))));
            match claimed {
                Ok(call) => {
                    calls.push(call);
                    next_at = Some(now);
                }
                Err(Some(waiting)) => {
                    next_at = earlier(next_at, waiting.until);
                    waits.insert(depth.id, waiting);
                }
                Err(None) => {}
            }
        }
        self.board.publish(depths.into_iter().map(|depth| {
            let waiting = waits.remove(&depth.id);
            (depth.id, depth.lane, waiting, depth.due.iter().sum())
        }));
        if !calls.is_empty() {
            self.wakes.jobs.notify();
        }
        Ok(Step { calls, next_at: earlier(next_at, self.in_flight_calls.next_check()) })
    }

    fn perform(&self, call: SubmitCall) -> BoxFuture<'static, (PendingCall, SubmitOutcome)> {
        async move {
            let SubmitCall { ticket, targets } = call;
            let answer = catch_panic(Self::NAME, ticket.account.provider.submit(&ticket.lane, &targets)).await;
            // How far it had come nobody knows.
            let answer =
                answer.unwrap_or_else(|broken| SubmitOutcome::Lost(Failure { class: ErrorClass::Lost, ..broken }));
            // From now on, not from whenever the outcome is recorded: the rate is worth more than that.
            ticket.account.release(ticket.account.provider.submit_action(&ticket.lane));
            (ticket, answer)
        }
        .boxed()
    }

    async fn record(
        &mut self,
        (ticket, answer): &(PendingCall, SubmitOutcome),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let PendingCall { submission, lane, account, units, hosts, .. } = ticket;
        let action = account.provider.submit_action(lane);
        let (refused, released) = (SubmissionState::Refused, SubmissionState::Released);
        match answer {
            SubmitOutcome::Accepted { task, request_id } => {
                let due_at = now + self.patience.poll_first;
                let outcome = self.store.accept(*submission, &task.0, request_id.as_deref(), due_at, now).await?;
                if outcome == Guarded::Conflict {
                    self.suspect_host(*submission, &task.0, now).await?;
                } else {
                    account.charged(lane, *units);
                }
                account.hosts(|suspensions| suspensions.clear(lane.operation, hosts));
                account.clear_pauses(action);
                self.wakes.poller.notify();
            }
            SubmitOutcome::Throttled(failure) => {
                self.give_back(ticket, refused, failure, ReleaseAction::Requeue, now).await?;
                account.throttle(action, now);
            }
            SubmitOutcome::QuotaSpent(failure) => {
                self.give_back(ticket, refused, failure, ReleaseAction::Requeue, now).await?;
                account.exhaust(lane, now);
                self.wakes.quota_reader.notify();
            }
            // Halves fit sooner or later; the next quota answer tells the batch limit. One target alone is not to blame.
            SubmitOutcome::TooMany(failure) if *units > 1 => {
                self.give_back(ticket, refused, failure, ReleaseAction::SplitTargets, now).await?;
                account.want_quota(lane.operation);
            }
            SubmitOutcome::TargetRefused(failure) => {
                self.give_back(ticket, refused, failure, ReleaseAction::SplitTargets, now).await?;
                account.clear_pauses(action);
            }
            SubmitOutcome::HostRefused(failure) => self.reject_host(ticket, failure, now).await?,
            SubmitOutcome::HostUnready(failure) => self.park(ticket, failure, now).await?,
            SubmitOutcome::AccountRefused(failure)
            | SubmitOutcome::Outage(failure)
            | SubmitOutcome::TooMany(failure) => {
                self.give_back(ticket, refused, failure, ReleaseAction::Requeue, now).await?;
                account.pause(action, failure, clock::jitter(), now);
            }
            SubmitOutcome::NotSent(failure) => {
                self.give_back(ticket, released, failure, ReleaseAction::Requeue, now).await?;
                account.pause(action, failure, clock::jitter(), now);
            }
            // Bytes left and nothing came back: it may have been done. Ask before sending again.
            SubmitOutcome::Lost(failure) => {
                self.store.mark_ambiguous(*submission, failure.clone(), now, now).await?;
                self.wakes.reconciler.notify();
            }
        }
        if !matches!(answer, SubmitOutcome::Accepted { .. }) {
            tracing::warn!(submission.id = submission.0, lane = %lane, answer = ?answer, "a submission was not accepted");
        }
        let (account_name, operation) = (account.name.clone(), lane.operation);
        self.board
            .counters
            .count(CounterKey::Submission { account: account_name, operation, answer: answer.word() }, 1);
        account.close_call();
        self.in_flight_calls.remove(*submission);
        self.wakes.jobs.notify();
        Ok(())
    }
}

fn take_from(due: &mut [u64; 3], mut items: u64) {
    for count in due {
        let taken = items.min(*count);
        *count -= taken;
        items -= taken;
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
