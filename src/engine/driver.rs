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

/// Whatever woke nobody is found at the tick.
const TICK: Duration = Duration::from_secs(1);
/// After the store failed, it is asked again no later than this.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// When the daemon stops, open calls get so long to be answered; what is still open then is reconciled at the start.
const GRACE: Duration = Duration::from_secs(20);

/// A part of the engine. It never sleeps, spawns or loops until something works.
#[async_trait]
pub(super) trait EngineService: Send {
    type Call: Send + 'static;
    type Answer: Send + 'static;

    const NAME: &'static str;

    /// One pass over what is due at `now`. The intent of every call it returns is on disk. Once a call is prepared, no
    /// error may keep it back: what fails for one lane or row is logged, and the others go on.
    async fn step(&mut self, now: Timestamp) -> Result<Step<Self::Call>, StoreError>;

    /// Makes a call. Knows nothing of the store.
    fn perform(&self, call: Self::Call) -> BoxFuture<'static, Self::Answer>;

    /// Records an answer. After an error it is offered again, so it must not have been half-recorded.
    async fn record(&mut self, answer: &Self::Answer, now: Timestamp) -> Result<(), StoreError>;
}

/// What a step found.
pub(super) struct Step<C> {
    pub(super) calls: Vec<C>,
    /// When there will be something to do, as far as is known.
    pub(super) next_at: Option<Timestamp>,
}

/// Makes a call, and tells if it broke off by a fault of this program: what waits for its answer must not wait for ever.
pub(super) async fn catch_panic<T>(service: &'static str, call: impl Future<Output = T> + Send) -> Result<T, Failure> {
    AssertUnwindSafe(call).catch_unwind().await.map_err(|_| {
        tracing::error!(service, "a call broke off; the panic before this line tells where");
        Failure::new(
            ErrorClass::Internal,
            "broke_off",
            "the call broke off by a fault of this program; its log tells where",
        )
    })
}

/// The same of a look.
pub(super) async fn catch_panic_read<T>(
    service: &'static str,
    look: impl Future<Output = Result<T, ReadError>> + Send,
) -> Result<T, ReadError> {
    catch_panic(service, look).await.unwrap_or_else(|broken| Err(ReadError::Failed(broken)))
}

pub(super) struct Driver {
    pub(super) wake: Notifier,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shutdown: CancellationToken,
}

/// A service with the calls that are being made for it, and the answers that it has not recorded yet.
pub(super) struct ServiceRunner<S: EngineService> {
    service: S,
    open: JoinSet<S::Answer>,
    answers: VecDeque<S::Answer>,
}

impl<S: EngineService> ServiceRunner<S> {
    pub(super) fn new(service: S) -> Self {
        Self { service, open: JoinSet::new(), answers: VecDeque::new() }
    }

    /// Records what is in, steps, and makes the calls.
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
        // Each once: an answer that the store refuses goes behind the others, and is offered again.
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

    /// Begins a call; its answer is taken in when it has ended.
    pub(super) fn start_call(&mut self, call: S::Call) {
        self.open.spawn(self.service.perform(call));
    }

    /// Takes in all calls that have ended by now.
    pub(super) fn collect_answers(&mut self) {
        while let Some(ended) = self.open.try_join_next() {
            self.keep(ended);
        }
    }

    fn keep(&mut self, ended: Result<S::Answer, JoinError>) {
        match ended {
            Ok(answer) => self.answers.push_back(answer),
            // Whoever answers for durable rows catches what its call may do (`unbroken`), so this is a stopping runtime. A start
            // takes up what is left.
            Err(error) => tracing::error!(service = S::NAME, error = %error, "a call broke off"),
        }
    }

    /// Calls that are being made, or have ended and are not taken in.
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
                self.keep(ended);
            }
        });
        if drained.await.is_err() {
            tracing::warn!(
                service = S::NAME,
                open = self.open.len(),
                "stopping with open calls; the next start asks the provider"
            );
        }
        if let Err(error) = self.record_all(clock.now()).await {
            tracing::error!(service = S::NAME, error = ?error, "the last answers were not recorded; the next start asks the provider");
        }
    }
}

pub(super) async fn drive<S: EngineService>(service: S, driver: Driver) {
    let Driver { wake, clock, shutdown } = driver;
    let mut bench = ServiceRunner::new(service);
    let mut listener = wake.subscribe();
    while !shutdown.is_cancelled() {
        let now = clock.now();
        let next_at = match bench.pass(now).await {
            Ok(next_at) => next_at.map_or(now + TICK, |at| at.min(now + TICK)),
            Err(error) => {
                tracing::error!(service = S::NAME, error = ?error, "the store failed; trying again");
                now + STORE_PAUSE
            }
        };
        tokio::select! {
            () = listener.notified() => {}
            () = clock.sleep_until(next_at) => {}
            Some(ended) = bench.open.join_next() => {
                bench.keep(ended);
                bench.collect_answers();
            }
            () = shutdown.cancelled() => {}
        }
    }
    bench.finish(clock.as_ref()).await;
}
