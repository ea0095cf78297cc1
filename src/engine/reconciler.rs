//! The reconciler: finds out from the provider's task list what became of calls whose answer was lost (law 4).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::account::Account;
use super::driver::{EngineService, Step, catch_panic_read};
use super::{Accounts, EngineDeps, EngineTimeouts};
use crate::domain::{ErrorClass, Failure, SubmissionId, SubmissionState, Target, Timestamp};
use crate::notify::Notifiers;
use crate::provider::{FindQuery, ListedTask, ReadError, TaskLookup};
use crate::store::{Guarded, OpenSubmission, Release, ReleaseAction, Store, StoreError};

/// Between two reads of the list.
const LIST_INTERVAL: Duration = Duration::from_secs(2);
const LOOKUPS_MAX: u32 = 4;

pub(super) struct Reconciler {
    store: Arc<dyn Store>,
    accounts: Accounts,
    notifiers: Notifiers,
    timeouts: EngineTimeouts,
    open: HashSet<SubmissionId>,
}

pub(super) struct LookupCall {
    context: LookupContext,
    query: FindQuery,
}

/// What is needed to match the list.
#[derive(Clone)]
pub(super) struct LookupContext {
    submission: OpenSubmission,
    account: Arc<Account>,
    targets: BTreeSet<String>,
    window: Window,
    /// The list is read so late that it must show the task if there is one.
    last_chance: bool,
}

/// When the task can have been created, by the provider's clock.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    until: Timestamp,
}

impl Reconciler {
    pub(super) fn new(deps: &EngineDeps) -> Self {
        Self {
            store: deps.store.clone(),
            accounts: deps.accounts.clone(),
            notifiers: deps.notifiers.clone(),
            timeouts: deps.timeouts,
            open: HashSet::new(),
        }
    }

    async fn call(&self, submission: OpenSubmission, now: Timestamp) -> Result<Option<LookupCall>, StoreError> {
        let Some(account) = self.accounts.get(&submission.lane.account).cloned() else { return Ok(None) };
        let targets = self.store.targets(submission.id).await?;
        let Some(first) = targets.first().cloned() else { return Ok(None) };
        let capabilities = account.provider.capabilities();
        // A call has a timeout, so its task was created by then, however long the daemon was down.
        let given_up = submission.created_at + capabilities.call_max;
        let lost_at = submission.answered_at.unwrap_or(given_up).min(given_up);
        let (slack, lists_tasks) = match capabilities.lookup {
            TaskLookup::ByWindow { slack } => (slack, true),
            // The provider lists nothing: the first lookup is the last.
            TaskLookup::NotAtAll | TaskLookup::BySameKey => (Duration::ZERO, false),
        };
        let window = Window { since: submission.created_at - slack, until: lost_at + slack };
        let query = FindQuery {
            operation: submission.lane.operation,
            kind: submission.lane.kind,
            target: first,
            since: window.since,
            until: window.until,
        };
        let last_chance = !lists_tasks || now.since(lost_at) >= self.timeouts.listing_grace;
        let targets = targets.iter().map(Target::to_string).collect();
        Ok(Some(LookupCall { context: LookupContext { submission, account, targets, window, last_chance }, query }))
    }

    /// The call's account left the configuration. It gets some time to come back; then the targets are pending again, where a
    /// person can cancel them. Nothing is sent for a missing account.
    async fn orphan(&self, submission: &OpenSubmission, now: Timestamp) -> Result<(), StoreError> {
        if now.since(submission.created_at) < self.timeouts.listing_grace {
            return self.store.postpone(submission.id, now + self.timeouts.poll_first).await.map(drop);
        }
        let message =
            "the account of this call left the configuration, so the provider cannot be asked what became of it";
        let failure = Failure::new(ErrorClass::Lost, "account_gone", message);
        let release = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
        self.store.release(submission.id, release, now).await?;
        self.notifiers.submitter.notify();
        Ok(())
    }

    async fn judge(&self, context: &LookupContext, tasks: &[ListedTask], now: Timestamp) -> Result<(), StoreError> {
        let LookupContext { submission, account, last_chance, .. } = context;
        let units = u64::from(submission.targets);
        for task in candidates(context, tasks) {
            let due_at = now + self.timeouts.poll_first;
            if self.store.accept(submission.id, &task.task.0, None, due_at, now).await? == Guarded::Done {
                account.charged(&submission.lane, units);
                tracing::info!(submission.id = submission.id.0, task = %task.task, "the provider's task list has the call whose answer was lost");
                self.notifiers.poller.notify();
                self.notifiers.submitter.notify();
                return Ok(());
            }
        }
        if !last_chance {
            self.store.postpone(submission.id, now + LIST_INTERVAL).await?;
            return Ok(());
        }
        tracing::warn!(
            submission.id = submission.id.0,
            "the provider's task list does not have the call whose answer was lost; sending again"
        );
        let message = "the provider's task list does not have this call, so it is sent again";
        let failure = Failure::new(ErrorClass::Lost, Failure::NOT_LISTED, message);
        let release = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
        // A conflict means that the outcome is recorded already, and the targets may be charged.
        if self.store.release(submission.id, release, now).await? == Guarded::Done {
            account.return_quota(&submission.lane, units);
        }
        self.notifiers.submitter.notify();
        Ok(())
    }
}

/// The listed tasks that can be ours: the same targets, created within the call's window; the oldest first.
fn candidates<'a>(context: &LookupContext, tasks: &'a [ListedTask]) -> Vec<&'a ListedTask> {
    let is_in_window = |task: &&ListedTask| (context.window.since..=context.window.until).contains(&task.created_at);
    let kind = context.submission.lane.kind;
    let has_our_targets = |task: &&ListedTask| {
        // The provider may write a target in another of its equal forms.
        let normal =
            |text: &String| Target::parse(kind, text).map_or_else(|_| text.clone(), |target| target.to_string());
        task.targets.iter().map(normal).collect::<BTreeSet<_>>() == context.targets
    };
    let mut ours: Vec<_> = tasks.iter().filter(is_in_window).filter(has_our_targets).collect();
    ours.sort_by_key(|task| task.created_at);
    ours
}

#[async_trait]
impl EngineService for Reconciler {
    type Call = LookupCall;
    type Answer = (LookupContext, Result<Vec<ListedTask>, ReadError>);

    const NAME: &'static str = "reconciler";

    async fn step(&mut self, now: Timestamp) -> Result<Step<LookupCall>, StoreError> {
        let (due, next_at) = self.store.due_submissions(true, LOOKUPS_MAX, now).await?;
        let mut calls = Vec::new();
        for submission in due {
            if self.open.contains(&submission.id) {
                continue;
            }
            let id = submission.id;
            let orphan = submission.clone();
            let outcome = match self.call(submission, now).await {
                Ok(Some(call)) => {
                    self.open.insert(id);
                    calls.push(call);
                    continue;
                }
                // Its account left the configuration: postpone it, so that it does not block the others.
                Ok(None) => self.orphan(&orphan, now).await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                tracing::error!(submission.id = id.0, error = ?error, "could not prepare the lookup of a call whose answer was lost");
            }
        }
        Ok(Step { calls, next_at })
    }

    fn perform(&self, LookupCall { context, query }: LookupCall) -> BoxFuture<'static, Self::Answer> {
        async move {
            let tasks =
                catch_panic_read(Self::NAME, context.account.provider.find_tasks(&query, context.account.as_ref()))
                    .await;
            (context, tasks)
        }
        .boxed()
    }

    async fn record(&mut self, (context, tasks): &Self::Answer, now: Timestamp) -> Result<(), StoreError> {
        match tasks {
            Ok(tasks) => self.judge(context, tasks, now).await?,
            Err(fault) => {
                let failure = fault.failure();
                tracing::warn!(submission.id = context.submission.id.0, class = %failure.class, code = %failure.code,
                    message = %failure.message, "could not read the provider's task list; trying again");
                self.store.postpone(context.submission.id, now + LIST_INTERVAL).await?;
            }
        }
        self.open.remove(&context.submission.id);
        self.notifiers.jobs.notify();
        Ok(())
    }
}
