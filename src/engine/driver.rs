//! The only loop of the engine: step, make the calls side by side, record their answers, wait, step again.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::{ErrorClass, Failure, Timestamp};
use crate::notify::Notifier;
use crate::provider::ReadError;
use crate::store::StoreError;

/// A change without a notification is found at the next tick.
const TICK: Duration = Duration::from_secs(1);
/// After the store failed, the service steps again no later than this.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// When the daemon stops, it waits so long for open calls; those without an answer are reconciled at the next start.
const GRACE: Duration = Duration::from_secs(20);

/// One service of the engine. It never sleeps, spawns or retries in a loop.
#[async_trait]
pub(super) trait EngineService: Send {
    type Call: Send + 'static;
    type Answer: Send + 'static;

    const NAME: &'static str;

    /// One pass over what is due at `now`. The intent of every call it returns is on disk, so later errors in the same step
    /// must not drop the call: an error of one lane or row is logged, and the others go on.
    async fn step(&mut self, now: Timestamp) -> Result<Step<Self::Call>, StoreError>;

    /// Makes a call. Does not use the store.
    fn perform(&self, call: Self::Call) -> BoxFuture<'static, Self::Answer>;

    /// Records an answer, wholly or not at all: after an error it is called again with the same answer.
    async fn record(&mut self, answer: &Self::Answer, now: Timestamp) -> Result<(), StoreError>;
}

/// The result of a step.
pub(super) struct Step<C> {
    pub(super) calls: Vec<C>,
    /// When the next work is due, as far as the service knows.
    pub(super) next_at: Option<Timestamp>,
}

/// Makes a call and turns a panic into a failure: the rows that wait for the answer must not wait for ever.
pub(super) async fn catch_panic<T>(service: &'static str, call: impl Future<Output = T> + Send) -> Result<T, Failure> {
    AssertUnwindSafe(call).catch_unwind().await.map_err(|_| {
        tracing::error!(service, "a call panicked; the line before this one says where");
        Failure::new(
            ErrorClass::Internal,
            "broke_off",
            "the call failed because of a bug in refreshd; the daemon's log says where",
        )
    })
}

/// The same for a read.
pub(super) async fn catch_panic_read<T>(
    service: &'static str,
    read: impl Future<Output = Result<T, ReadError>> + Send,
) -> Result<T, ReadError> {
    catch_panic(service, read).await.unwrap_or_else(|failure| Err(ReadError::Failed(failure)))
}

pub(super) struct Driver {
    pub(super) wake: Notifier,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shutdown: CancellationToken,
}

/// A service with its open calls, and the answers that it has not recorded yet.
pub(super) struct ServiceRunner<S: EngineService> {
    service: S,
    open: JoinSet<S::Answer>,
    answers: VecDeque<S::Answer>,
}

impl<S: EngineService> ServiceRunner<S> {
    pub(super) fn new(service: S) -> Self {
        Self { service, open: JoinSet::new(), answers: VecDeque::new() }
    }

    /// Records the answers that have arrived, steps, and starts the calls.
    async fn pass(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let recorded = self.record_all(now).await;
        let step = self.step(now).await?;
        for call in step.calls {
            self.start_call(call);
        }
        recorded.map(|()| step.next_at)
    }

    pub(super) async fn record_all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        // Each answer once: one that the store does not take goes to the end of the queue and is retried at the next pass.
        for _ in 0..self.answers.len() {
            let Some(answer) = self.answers.pop_front() else { break };
            if let Err(error) = self.service.record(&answer, now).await {
                self.answers.push_back(answer);
                outcome = Err(error);
            }
        }
        outcome
    }

    pub(super) async fn step(&mut self, now: Timestamp) -> Result<Step<S::Call>, StoreError> {
        self.service.step(now).await
    }

    /// Starts a call.
    pub(super) fn start_call(&mut self, call: S::Call) {
        self.open.spawn(self.service.perform(call));
    }

    /// Queues the answers of all calls that have ended.
    pub(super) fn collect_answers(&mut self) {
        while let Some(ended) = self.open.try_join_next() {
            self.collect(ended);
        }
    }

    fn collect(&mut self, ended: Result<S::Answer, JoinError>) {
        match ended {
            Ok(answer) => self.answers.push_back(answer),
            // Panics are caught by `catch_panic`, so the runtime is stopping. The next start recovers the call.
            Err(error) => tracing::error!(service = S::NAME, error = %error, "a call was aborted"),
        }
    }

    /// Calls that are open, or have ended and are not collected.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Answers that wait to be recorded.
    pub(super) fn answers(&self) -> usize {
        self.answers.len()
    }

    async fn finish(mut self, clock: &dyn Clock) {
        let drained = tokio::time::timeout(GRACE, async {
            while let Some(ended) = self.open.join_next().await {
                self.collect(ended);
            }
        });
        if drained.await.is_err() {
            tracing::warn!(
                service = S::NAME,
                open = self.open.len(),
                "stopping while calls are open; the next start asks the provider what became of them"
            );
        }
        if let Err(error) = self.record_all(clock.now()).await {
            tracing::error!(service = S::NAME, error = ?error, "could not record the last answers; the next start asks the provider what became of the calls");
        }
    }
}

pub(super) async fn drive<S: EngineService>(service: S, driver: Driver) {
    let Driver { wake, clock, shutdown } = driver;
    let mut runner = ServiceRunner::new(service);
    let mut listener = wake.subscribe();
    while !shutdown.is_cancelled() {
        let now = clock.now();
        let next_at = match runner.pass(now).await {
            Ok(next_at) => next_at.map_or(now + TICK, |at| at.min(now + TICK)),
            Err(error) => {
                tracing::error!(service = S::NAME, error = ?error, "the database failed; the service tries again");
                now + STORE_PAUSE
            }
        };
        tokio::select! {
            () = listener.notified() => {}
            () = clock.sleep_until(next_at) => {}
            Some(ended) = runner.open.join_next() => {
                runner.collect(ended);
                runner.collect_answers();
            }
            () = shutdown.cancelled() => {}
        }
    }
    runner.finish(clock.as_ref()).await;
}
