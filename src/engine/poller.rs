//! The poller: follows every accepted submission until each of its rows is final, or its patience ends.

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
use crate::clock;
use crate::domain::{Backoff, ErrorClass, Failure, SubmissionId, Target, Timestamp};
use crate::notify::Notifiers;
use crate::provider::{FailedRow, ReadError, TaskId, TaskProgress, TaskQuery};
use crate::store::{FailedTarget, Guarded, OpenSubmission, RowRetry, Store, StoreError};

/// Looks that are open at once, over all accounts.
const LOOKS_MAX: usize = 16;
/// How often a failed row is sent again before its item fails.
const ATTEMPTS_MAX: u32 = 3;
/// How long a failed row waits before it is sent again.
const ROW_BACKOFF: Duration = Duration::from_secs(30);

pub(super) struct Poller {
    store: Arc<dyn Store>,
    accounts: Accounts,
    board: Arc<LaneStatuses>,
    wakes: Notifiers,
    patience: EngineTimeouts,
    open: HashSet<SubmissionId>,
}

pub(super) struct PollCall {
    submission: OpenSubmission,
    account: Arc<Account>,
    query: TaskQuery,
    /// Its patience ends with this look.
    last: bool,
}

/// What a look found.
pub(super) enum PollOutcome {
    Progress(TaskProgress),
    /// Its time is up, and only these targets are done.
    OutOfTime {
        done: BTreeSet<String>,
    },
}

impl Poller {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            board: deps.lane_statuses.clone(),
            wakes: deps.notifiers.clone(),
            patience: deps.timeouts,
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

    /// The task goes on. Only a look that was its last one gives it up, not a late record of one before.
    async fn look_again(&self, submission: &OpenSubmission, now: Timestamp) -> Result<(), StoreError> {
        let wait = Backoff { first: self.patience.poll_first, max: self.patience.poll_max };
        self.store.postpone(submission.id, now + wait.wait(submission.looks + 1, clock::jitter())).await?;
        Ok(())
    }

    fn is_out_of_time(&self, submission: &OpenSubmission, now: Timestamp) -> bool {
        let since = submission.answered_at.unwrap_or(submission.created_at);
        now.since(since) >= self.patience.task_max(submission.lane.operation)
    }

    /// What is not done by now fails.
    async fn give_up(
        &self,
        submission: &OpenSubmission,
        done: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let task_max = self.patience.task_max(submission.lane.operation);
        let message = format!("the task did not end within {} s", task_max.as_secs());
        let failure = Failure::new(ErrorClass::ProviderTimeout, "task_max", message);
        let kind = submission.lane.kind;
        let done: BTreeSet<Target> = done.iter().filter_map(|target| Target::parse(kind, target).ok()).collect();
        let targets = self.store.targets(submission.id).await?;
        let open = targets.iter().filter(|target| !done.contains(target));
        let failed = open.map(|target| failed_target(target.as_str(), &failure)).collect();
        self.settle(submission, failed, RowRetry { attempts_max: 0, at: now }, now).await
    }

    /// Nobody can be asked any more. The task gets its time, in case the account comes back.
    async fn orphan(&self, submission: &OpenSubmission, now: Timestamp) {
        let put_off = if self.is_out_of_time(submission, now) {
            self.give_up(submission, &BTreeSet::new(), now).await
        } else {
            self.look_again(submission, now).await
        };
        if let Err(error) = put_off {
            tracing::error!(submission.id = submission.id.0, error = ?error, "a task without an account could not be put off");
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
                self.board.counters.count(CounterKey::Target { account, operation, done }, targets);
            }
        }
        self.wakes.submitter.notify();
        self.wakes.verifier.notify();
        self.wakes.jobs.notify();
        Ok(())
    }
}

#[async_trait]
impl EngineService for Poller {
    type Call = PollCall;
    type Answer = (OpenSubmission, Arc<Account>, Result<PollOutcome, ReadError>);

    const NAME: &'static str = "poller";

    async fn step(&mut self, now: Timestamp) -> Result<Step<PollCall>, StoreError> {
        let room = LOOKS_MAX.saturating_sub(self.open.len());
        if room == 0 {
            return Ok(Step { calls: Vec::new(), next_at: None });
        }
        // Those that are open are still due in the store, and come first.
        let (due, next_at) =
            self.store.due_submissions(false, u32::try_from(LOOKS_MAX).unwrap_or(u32::MAX), now).await?;
        let mut calls = Vec::new();
        for submission in due.into_iter().filter(|submission| !self.open.contains(&submission.id)).take(room) {
            let orphan = submission.clone();
            match self.call(submission, now) {
                Some(call) => calls.push(call),
                // Its account left the configuration: nobody can be asked, and it must not stand before the others.
                None => self.orphan(&orphan, now).await,
            }
        }
        self.open.extend(calls.iter().map(|call| call.submission.id));
        Ok(Step { calls, next_at })
    }

    fn perform(&self, PollCall { submission, account, query, last }: PollCall) -> BoxFuture<'static, Self::Answer> {
        async move {
            let outcome = catch_panic_read(Self::NAME, look(&account, &query, last)).await;
            (submission, account, outcome)
        }
        .boxed()
    }

    async fn record(
        &mut self,
        (submission, account, outcome): &Self::Answer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match outcome {
            Ok(PollOutcome::Progress(TaskProgress::Ended { failed })) => self.end(submission, failed, now).await?,
            Ok(PollOutcome::Progress(TaskProgress::Running | TaskProgress::NotListed)) => {
                self.look_again(submission, now).await?;
            }
            Ok(PollOutcome::OutOfTime { done }) => self.give_up(submission, done, now).await?,
            Err(fault) => {
                let failure = fault.failure();
                tracing::warn!(submission.id = submission.id.0, account = %account.name, class = %failure.class,
                    code = %failure.code, message = %failure.message, "a task could not be looked at");
                // Not having been able to look says nothing of the task: its time is not up by that.
                self.look_again(submission, now).await?;
            }
        }
        self.open.remove(&submission.id);
        Ok(())
    }
}

async fn look(account: &Account, query: &TaskQuery, last: bool) -> Result<PollOutcome, ReadError> {
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

/// Which of our targets the failed rows mean. A row that names none of them cannot be told apart from any: then every
/// target counts as failed and goes again, because calling one done that is not would be worse than doing it twice.
fn match_rows(ours: &[Target], rows: &[FailedRow]) -> Vec<FailedTarget> {
    let texts: BTreeSet<&str> = ours.iter().map(Target::as_str).collect();
    let written = |row: &FailedRow| {
        let parsed = Target::parse(ours.first()?.kind(), &row.target).ok()?;
        texts.get(parsed.as_str()).map(|target| failed_target(target, &row.failure))
    };
    let matched: Option<Vec<_>> = rows.iter().map(written).collect();
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
