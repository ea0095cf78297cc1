//! The poller: asks for the progress of each accepted task until all its targets are final, or its time is up.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::counters::CounterKey;
use super::driver::{EngineService, Step, catch_panic_read};
use super::{Accounts, EngineDeps, EngineTimeouts, LaneStatuses};
use crate::domain::{Backoff, ErrorClass, Failure, SubmissionId, Target, Timestamp};
use crate::notify::Notifiers;
use crate::provider::{FailedRow, ReadError, TaskId, TaskProgress, TaskQuery};
use crate::random::Random;
use crate::store::{FailedTarget, Guarded, OpenSubmission, RowRetry, Store, StoreError};

/// Polls that are open at once, over all accounts.
const POLLS_MAX: usize = 16;
/// How often a failed target is sent again before its item fails.
const ATTEMPTS_MAX: u32 = 3;
/// How long a failed target waits before it is sent again.
const ROW_BACKOFF: Duration = Duration::from_secs(30);

pub(super) struct Poller {
    store: Arc<dyn Store>,
    accounts: Accounts,
    lane_statuses: Arc<LaneStatuses>,
    notifiers: Notifiers,
    timeouts: EngineTimeouts,
    random: Random,
    open: HashSet<SubmissionId>,
}

pub(super) struct PollCall {
    submission: OpenSubmission,
    account: Arc<Account>,
    query: TaskQuery,
    /// The task's time is up: this is the last poll.
    last: bool,
}

/// The result of a poll.
pub(super) enum PollOutcome {
    Progress(TaskProgress),
    /// The task's time is up, and only these targets are done.
    OutOfTime {
        done: BTreeSet<String>,
    },
}

impl Poller {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            lane_statuses: deps.lane_statuses.clone(),
            notifiers: deps.notifiers.clone(),
            timeouts: deps.timeouts,
            random: deps.random.clone(),
            open: HashSet::new(),
        }
    }

    fn call(&self, submission: OpenSubmission, now: Timestamp) -> Option<PollCall> {
        let account = self.accounts.get(&submission.lane.account)?.clone();
        let task = TaskId(submission.task_id.clone()?);
        let query = TaskQuery { operation: submission.lane.operation, task, targets: submission.targets };
        let last = self.is_out_of_time(&submission, now);
        Some(PollCall { submission, account, query, last })
    }

    /// The task goes on. Only its last poll gives it up, not an earlier poll that is recorded late.
    async fn poll_later(&self, submission: &OpenSubmission, now: Timestamp) -> Result<(), StoreError> {
        let wait = Backoff { first: self.timeouts.poll_first, max: self.timeouts.poll_max };
        self.store.postpone(submission.id, now + wait.wait(submission.looks + 1, self.random.jitter())).await?;
        Ok(())
    }

    fn is_out_of_time(&self, submission: &OpenSubmission, now: Timestamp) -> bool {
        let since = submission.answered_at.unwrap_or(submission.created_at);
        now.since(since) >= self.timeouts.task_max(submission.lane.operation)
    }

    /// Fails the targets that are not done by now.
    async fn give_up(
        &self,
        submission: &OpenSubmission,
        done: &BTreeSet<String>,
        denial: Option<&Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seconds = self.timeouts.task_max(submission.lane.operation).as_secs();
        let message = match denial {
            None => format!("the task did not end within {seconds} s"),
            Some(Failure { code, message, .. }) => format!(
                "what became of the task could not be read within {seconds} s, for the key may not read it ({code}: {message})"
            ),
        };
        let failure = Failure::new(ErrorClass::ProviderTimeout, "task_max", message);
        let kind = submission.lane.kind;
        let done: BTreeSet<Target> = done.iter().filter_map(|target| Target::parse(kind, target).ok()).collect();
        let targets = self.store.targets(submission.id).await?;
        let open = targets.iter().filter(|target| !done.contains(target));
        let failed = open.map(|target| failed_target(target.as_str(), &failure)).collect();
        self.settle(submission, failed, RowRetry { attempts_max: 0, at: now }, now).await
    }

    /// The task's account left the configuration. The task gets its full time, in case the account comes back.
    async fn orphan(&self, submission: &OpenSubmission, now: Timestamp) {
        let outcome = if self.is_out_of_time(submission, now) {
            self.give_up(submission, &BTreeSet::new(), None, now).await
        } else {
            self.poll_later(submission, now).await
        };
        if let Err(error) = outcome {
            tracing::error!(submission.id = submission.id.0, error = ?error, "could not postpone a task whose account left the configuration");
        }
    }

    async fn end(&self, submission: &OpenSubmission, rows: &[FailedRow], now: Timestamp) -> Result<(), StoreError> {
        let failed = if rows.is_empty() {
            Vec::new()
        } else {
            let ours = self.store.targets(submission.id).await?;
            match_rows(&ours, rows)
        };
        self.settle(submission, failed, RowRetry { attempts_max: ATTEMPTS_MAX, at: now + ROW_BACKOFF }, now).await
    }

    async fn settle(
        &self,
        submission: &OpenSubmission,
        failed: Vec<FailedTarget>,
        retry: RowRetry,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        tracing::info!(submission.id = submission.id.0, lane = %submission.lane, targets = submission.targets,
            failed = failed.len(), "a task ended");
        let failed_count = distinct(&failed);
        if self.store.settle(submission.id, failed, retry, now).await? == Guarded::Done {
            let done_count = u64::from(submission.targets).saturating_sub(failed_count);
            for (done, targets) in [(true, done_count), (false, failed_count)] {
                let (account, operation) = (submission.lane.account.clone(), submission.lane.operation);
                self.lane_statuses.counters.count(CounterKey::Target { account, operation, done }, targets);
            }
        }
        self.notifiers.submitter.notify();
        self.notifiers.verifier.notify();
        self.notifiers.jobs.notify();
        Ok(())
    }
}

#[async_trait]
impl EngineService for Poller {
    type Call = PollCall;
    type Answer = (OpenSubmission, Arc<Account>, Result<PollOutcome, ReadError>);

    const NAME: &'static str = "poller";

    async fn step(&mut self, now: Timestamp) -> Result<Step<PollCall>, StoreError> {
        let room = POLLS_MAX.saturating_sub(self.open.len());
        if room == 0 {
            return Ok(Step { calls: Vec::new(), next_at: None });
        }
        // Submissions with an open poll are still due in the store, and come first.
        let (due, next_at) =
            self.store.due_submissions(false, u32::try_from(POLLS_MAX).unwrap_or(u32::MAX), now).await?;
        let mut calls = Vec::new();
        for submission in due.into_iter().filter(|submission| !self.open.contains(&submission.id)).take(room) {
            let orphan = submission.clone();
            match self.call(submission, now) {
                Some(call) => calls.push(call),
                // Its account left the configuration: postpone it, so that it does not block the others.
                None => self.orphan(&orphan, now).await,
            }
        }
        self.open.extend(calls.iter().map(|call| call.submission.id));
        Ok(Step { calls, next_at })
    }

    fn perform(&self, PollCall { submission, account, query, last }: PollCall) -> BoxFuture<'static, Self::Answer> {
        async move {
            let outcome = catch_panic_read(Self::NAME, poll(&account, &query, last)).await;
            (submission, account, outcome)
        }
        .boxed()
    }

    async fn record(
        &mut self,
        (submission, account, outcome): &Self::Answer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let denial =
            outcome.as_ref().err().map(ReadError::failure).filter(|fault| fault.class == ErrorClass::Permission);
        if denial.is_some() || outcome.is_ok() {
            account.note_permission(account.provider.tasks_action(submission.lane.operation), denial, now);
        }
        match outcome {
            Ok(PollOutcome::Progress(TaskProgress::Ended { failed })) => self.end(submission, failed, now).await?,
            Ok(PollOutcome::Progress(TaskProgress::Running | TaskProgress::NotListed)) => {
                self.poll_later(submission, now).await?;
            }
            Ok(PollOutcome::OutOfTime { done }) => self.give_up(submission, done, None, now).await?,
            Err(fault) => {
                let failure = fault.failure();
                tracing::warn!(submission.id = submission.id.0, account = %account.name, class = %failure.class,
                    code = %failure.code, message = %failure.message, "could not read the progress of a task; asking again later");
                // A failed read says nothing of the task, so it does not end the task's time. A denied one will not say more.
                if denial.is_some() && self.is_out_of_time(submission, now) {
                    self.give_up(submission, &BTreeSet::new(), denial, now).await?;
                } else {
                    self.poll_later(submission, now).await?;
                }
            }
        }
        self.open.remove(&submission.id);
        Ok(())
    }
}

async fn poll(account: &Account, query: &TaskQuery, last: bool) -> Result<PollOutcome, ReadError> {
    match account.provider.task_progress(query, account).await? {
        TaskProgress::Running if last => {
            Ok(PollOutcome::OutOfTime { done: account.provider.completed_targets(query, account).await? })
        }
        TaskProgress::NotListed if last => Ok(PollOutcome::OutOfTime { done: BTreeSet::new() }),
        progress => Ok(PollOutcome::Progress(progress)),
    }
}

fn failed_target(target: &str, failure: &Failure) -> FailedTarget {
    FailedTarget { target: target.to_owned(), failure: failure.clone() }
}

/// How many targets failed: the provider may list one twice, or once for each area.
fn distinct(failed: &[FailedTarget]) -> u64 {
    failed.iter().map(|failed| &failed.target).collect::<BTreeSet<_>>().len() as u64
}

/// Which of our targets the failed rows mean. If a row matches none of them, any target may be the failed one: then all count
/// as failed and are sent again, because reporting a failed target as done would be worse than sending it twice.
fn match_rows(ours: &[Target], rows: &[FailedRow]) -> Vec<FailedTarget> {
    let our_targets: BTreeSet<&str> = ours.iter().map(Target::as_str).collect();
    let find_target = |row: &FailedRow| {
        let parsed = Target::parse(ours.first()?.kind(), &row.target).ok()?;
        our_targets.get(parsed.as_str()).map(|target| failed_target(target, &row.failure))
    };
    let matched: Option<Vec<_>> = rows.iter().map(find_target).collect();
    matched.unwrap_or_else(|| {
        let failure = rows.first().map(|row| row.failure.clone());
        ours.iter().filter_map(|target| Some(failed_target(target.as_str(), failure.as_ref()?))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetKind;

    fn row(target: &str) -> FailedRow {
        FailedRow { target: target.to_owned(), failure: Failure::new(ErrorClass::Outage, "fail", "no reason given") }
    }

    fn names(failed: &[FailedTarget]) -> Vec<&str> {
        failed.iter().map(|failed| failed.target.as_str()).collect()
    }

    #[test]
    fn a_target_that_failed_in_two_areas_is_one_failed_target() {
        let ours = ["a", "b"].map(|path| Target::parse(TargetKind::Url, &format!("https://h.example/{path}")));
        let ours = ours.map(|target| target.expect("valid"));
        let rows = ["a", "a", "b"].map(|path| row(&format!("https://h.example/{path}")));
        assert_eq!(distinct(&match_rows(&ours, &rows)), 2);
    }

    #[test]
    fn a_failed_row_that_names_no_target_of_ours_fails_them_all() {
        let ours: Vec<Target> = ["https://h.example/a", "https://h.example/b"]
            .iter()
            .map(|raw| Target::parse(TargetKind::Url, raw).expect("valid"))
            .collect();
        assert_eq!(names(&match_rows(&ours, &[row("https://H.example:443/a")])), ["https://h.example/a"]);
        assert_eq!(
            names(&match_rows(&ours, &[row("https://h.example/zzz")])),
            ["https://h.example/a", "https://h.example/b"]
        );
    }
}
