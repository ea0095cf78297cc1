//! The services driven by hand instead of by `drive`: the same records, steps and calls, each when the caller says so.
//! Dropping a `ManualEngine` is the death of its process: nothing is recorded any more.

use async_trait::async_trait;

use super::EngineDeps;
use super::cleaner::Cleaner;
use super::domain_reader::DomainReader;
use super::driver::{EngineService, ServiceRunner};
use super::poller::Poller;
use super::quota_reader::QuotaReader;
use super::reconciler::Reconciler;
use super::submitter::Submitter;
use super::verifier::Verifier;
use crate::domain::Timestamp;
use crate::store::StoreError;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    QuotaReader,
    Submitter,
    Poller,
    Reconciler,
    Cleaner,
    Verifier,
    FactsReader,
}

impl ServiceKind {
    pub const ALL: [Self; 7] = [
        Self::QuotaReader,
        Self::Submitter,
        Self::Poller,
        Self::Reconciler,
        Self::Cleaner,
        Self::Verifier,
        Self::FactsReader,
    ];
}

/// The engine without its loop. Calls are prepared by `step`, begun by `begin`, and their answers recorded by `record`.
/// A product process records before it steps, and begins every call at once.
pub struct SteppedEngine {
    hands: [Box<dyn SteppedService>; 7],
}

impl SteppedEngine {
    /// Takes up the work where the last process left it.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn start(deps: &EngineDeps) -> Result<Self, StoreError> {
        deps.recover().await?;
        let in_flight_calls = |duty| -> Box<dyn SteppedService> {
            match duty {
                ServiceKind::QuotaReader => Stepped::boxed(QuotaReader::new(deps)),
                ServiceKind::Submitter => Stepped::boxed(Submitter::new(deps)),
                ServiceKind::Poller => Stepped::boxed(Poller::new(deps)),
                ServiceKind::Reconciler => Stepped::boxed(Reconciler::new(deps)),
                ServiceKind::Cleaner => Stepped::boxed(Cleaner::new(deps)),
                ServiceKind::Verifier => Stepped::boxed(Verifier::new(deps)),
                ServiceKind::FactsReader => Stepped::boxed(DomainReader::new(deps)),
            }
        };
        Ok(Self { hands: ServiceKind::ALL.map(in_flight_calls) })
    }

    /// Records the answers that are in.
    ///
    /// # Errors
    /// The store refused one; it is offered again.
    pub async fn record(&mut self, duty: ServiceKind, now: Timestamp) -> Result<(), StoreError> {
        self.in_flight_calls(duty).record(now).await
    }

    /// Steps once, and tells when there will be something to do, as far as is known.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn step(&mut self, duty: ServiceKind, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.in_flight_calls(duty).step(now).await
    }

    /// How many calls of the service are prepared and not begun.
    #[must_use]
    pub fn prepared(&self, duty: ServiceKind) -> usize {
        self.hands[duty as usize].prepared()
    }

    /// Begins the prepared call at `place`. It goes on by itself; several may be under way.
    pub fn begin(&mut self, duty: ServiceKind, place: usize) {
        self.in_flight_calls(duty).begin(place);
    }

    /// How many calls are under way, over all services. Ended ones wait to be recorded.
    pub fn under_way(&mut self) -> usize {
        self.hands.iter_mut().map(|in_flight_calls| in_flight_calls.under_way()).sum()
    }

    /// How many answers of the service wait to be recorded.
    #[must_use]
    pub fn unrecorded(&self, duty: ServiceKind) -> usize {
        self.hands[duty as usize].unrecorded()
    }

    fn in_flight_calls(&mut self, duty: ServiceKind) -> &mut dyn SteppedService {
        self.hands[duty as usize].as_mut()
    }
}

/// A service of any kind, with the calls that nobody has begun.
struct Stepped<S: EngineService> {
    bench: ServiceRunner<S>,
    prepared: Vec<S::Call>,
}

impl<S: EngineService + 'static> Stepped<S> {
    fn boxed(service: S) -> Box<dyn SteppedService> {
        Box::new(Self { bench: ServiceRunner::new(service), prepared: Vec::new() })
    }
}

#[async_trait]
trait SteppedService: Send {
    async fn record(&mut self, now: Timestamp) -> Result<(), StoreError>;
    async fn step(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
    fn prepared(&self) -> usize;
    fn begin(&mut self, place: usize);
    fn under_way(&mut self) -> usize;
    fn unrecorded(&self) -> usize;
}

#[async_trait]
impl<S: EngineService> SteppedService for Stepped<S> {
    async fn record(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.bench.collect_answers();
        self.bench.record_all(now).await
    }

    async fn step(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let step = self.bench.step(now).await?;
        self.prepared.extend(step.calls);
        Ok(step.next_at)
    }

    fn prepared(&self) -> usize {
        self.prepared.len()
    }

    fn begin(&mut self, place: usize) {
        let call = self.prepared.remove(place);
        self.bench.start_call(call);
    }

    fn under_way(&mut self) -> usize {
        self.bench.collect_answers();
        self.bench.open()
    }

    fn unrecorded(&self) -> usize {
        self.bench.answers()
    }
}
