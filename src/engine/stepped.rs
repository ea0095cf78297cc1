//! The services without the loop of `driver.rs`: the simulation decides when each of them records, steps and starts calls.
//! Dropping a `SteppedEngine` is like a kill of its process: nothing is recorded any more.

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
    DomainReader,
}

impl ServiceKind {
    pub const ALL: [Self; 7] = [
        Self::QuotaReader,
        Self::Submitter,
        Self::Poller,
        Self::Reconciler,
        Self::Cleaner,
        Self::Verifier,
        Self::DomainReader,
    ];
}

/// The engine without its loop. `step` prepares calls, `begin` starts them, and `record` records their answers. The daemon
/// records before it steps, and starts every call at once.
pub struct SteppedEngine {
    services: [Box<dyn SteppedService>; 7],
}

impl SteppedEngine {
    /// Recovers the open submissions of the last process.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn start(deps: &EngineDeps) -> Result<Self, StoreError> {
        deps.recover().await?;
        let service = |kind| -> Box<dyn SteppedService> {
            match kind {
                ServiceKind::QuotaReader => Stepped::boxed(QuotaReader::new(deps)),
                ServiceKind::Submitter => Stepped::boxed(Submitter::new(deps)),
                ServiceKind::Poller => Stepped::boxed(Poller::new(deps)),
                ServiceKind::Reconciler => Stepped::boxed(Reconciler::new(deps)),
                ServiceKind::Cleaner => Stepped::boxed(Cleaner::new(deps)),
                ServiceKind::Verifier => Stepped::boxed(Verifier::new(deps)),
                ServiceKind::DomainReader => Stepped::boxed(DomainReader::new(deps)),
            }
        };
        Ok(Self { services: ServiceKind::ALL.map(service) })
    }

    /// Records the answers that have arrived.
    ///
    /// # Errors
    /// The store refused an answer; the next call records it again.
    pub async fn record(&mut self, kind: ServiceKind, now: Timestamp) -> Result<(), StoreError> {
        self.service(kind).record(now).await
    }

    /// Steps once, and returns when the next work is due, as far as the service knows.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn step(&mut self, kind: ServiceKind, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.service(kind).step(now).await
    }

    /// How many calls of the service are prepared and not started.
    #[must_use]
    pub fn prepared(&self, kind: ServiceKind) -> usize {
        self.services[kind as usize].prepared()
    }

    /// Starts the prepared call at `place`. It runs by itself; several may run at once.
    pub fn begin(&mut self, kind: ServiceKind, place: usize) {
        self.service(kind).begin(place);
    }

    /// How many calls run, over all services. Ended ones wait to be recorded.
    pub fn under_way(&mut self) -> usize {
        self.services.iter_mut().map(|service| service.under_way()).sum()
    }

    /// How many answers of the service wait to be recorded.
    #[must_use]
    pub fn unrecorded(&self, kind: ServiceKind) -> usize {
        self.services[kind as usize].unrecorded()
    }

    fn service(&mut self, kind: ServiceKind) -> &mut dyn SteppedService {
        self.services[kind as usize].as_mut()
    }
}

/// A service of any kind, with the calls that are prepared.
struct Stepped<S: EngineService> {
    runner: ServiceRunner<S>,
    prepared: Vec<S::Call>,
}

impl<S: EngineService + 'static> Stepped<S> {
    fn boxed(service: S) -> Box<dyn SteppedService> {
        Box::new(Self { runner: ServiceRunner::new(service), prepared: Vec::new() })
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
        self.runner.collect_answers();
        self.runner.record_all(now).await
    }

    async fn step(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let step = self.runner.step(now).await?;
        self.prepared.extend(step.calls);
        Ok(step.next_at)
    }

    fn prepared(&self) -> usize {
        self.prepared.len()
    }

    fn begin(&mut self, place: usize) {
        let call = self.prepared.remove(place);
        self.runner.start_call(call);
    }

    fn under_way(&mut self) -> usize {
        self.runner.collect_answers();
        self.runner.open()
    }

    fn unrecorded(&self) -> usize {
        self.runner.answers()
    }
}
