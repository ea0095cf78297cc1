//! The only loop of the engine: step, make the calls side by side, record their answers, wait, step again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::store::StoreError;
use crate::wake::Wake;

/// Whatever woke nobody is found at the tick.
const TICK: Duration = Duration::from_secs(1);
/// After the store failed, it is asked again no later than this.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// When the daemon stops, open calls get so long to be answered; what is still open then is reconciled at the start.
const GRACE: Duration = Duration::from_secs(20);

/// A part of the engine. It never sleeps, spawns or loops until something works.
#[async_trait]
pub(super) trait Service: Send {
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

pub(super) struct Driver {
    pub(super) wake: Wake,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shutdown: CancellationToken,
}

pub(super) async fn drive<S: Service>(mut service: S, driver: Driver) {
    let Driver { wake, clock, shutdown } = driver;
    let mut open = JoinSet::new();
    let mut answers = VecDeque::new();
    let mut listener = wake.listener();
    while !shutdown.is_cancelled() {
        let now = clock.now();
        let next_at = match pass(&mut service, &mut open, &mut answers, now).await {
            Ok(next_at) => next_at.map_or(now + TICK, |at| at.min(now + TICK)),
            Err(error) => {
                tracing::error!(service = S::NAME, error = ?error, "the store failed; trying again");
                now + STORE_PAUSE
            }
        };
        tokio::select! {
            () = listener.heard() => {}
            () = clock.sleep_until(next_at) => {}
            Some(ended) = open.join_next() => take_in::<S>(ended, &mut open, &mut answers),
            () = shutdown.cancelled() => {}
        }
    }
    finish(&mut service, open, answers, clock.as_ref()).await;
}

async fn pass<S: Service>(
    service: &mut S,
    open: &mut JoinSet<S::Answer>,
    answers: &mut VecDeque<S::Answer>,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let recorded = record_all(service, answers, now).await;
    let step = service.step(now).await?;
    for call in step.calls {
        open.spawn(service.perform(call));
    }
    recorded.map(|()| step.next_at)
}

async fn record_all<S: Service>(
    service: &mut S,
    answers: &mut VecDeque<S::Answer>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    // Each once: an answer that the store refuses goes behind the others, and is offered again.
    for _ in 0..answers.len() {
        let Some(answer) = answers.pop_front() else { break };
        if let Err(error) = service.record(&answer, now).await {
            answers.push_back(answer);
            outcome = Err(error);
        }
    }
    outcome
}

/// Takes in the call that ended, and all others that have ended by now.
fn take_in<S: Service>(
    first: Result<S::Answer, tokio::task::JoinError>,
    open: &mut JoinSet<S::Answer>,
    answers: &mut VecDeque<S::Answer>,
) {
    let mut next = Some(first);
    while let Some(ended) = next {
        match ended {
            Ok(answer) => answers.push_back(answer),
            // Its submission stays `sending` until the next start, where it is reconciled.
            Err(error) => tracing::error!(service = S::NAME, error = %error, "a call broke off"),
        }
        next = open.try_join_next();
    }
}

async fn finish<S: Service>(
    service: &mut S,
    mut open: JoinSet<S::Answer>,
    mut answers: VecDeque<S::Answer>,
    clock: &dyn Clock,
) {
    let drained = tokio::time::timeout(GRACE, async {
        while let Some(ended) = open.join_next().await {
            take_in::<S>(ended, &mut open, &mut answers);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(
            service = S::NAME,
            open = open.len(),
            "stopping with open calls; the next start asks the provider"
        );
    }
    if let Err(error) = record_all(service, &mut answers, clock.now()).await {
        tracing::error!(service = S::NAME, error = ?error, "the last answers were not recorded; the next start asks the provider");
    }
}
