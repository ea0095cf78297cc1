//! What a caller can do, with whose authority. API, pages and commands go through here.

mod accept;
mod authorization;
mod caller;
mod cancel;
mod diagnose;
mod lanes;
mod metrics;
mod parse_job;
mod plan;
mod quota;
mod read_jobs;
mod retry;
mod routing;
mod search;
mod tokens;
mod warnings;

pub use accept::AcceptedJob;
pub use caller::Caller;
pub use diagnose::{DiagnosisRequest, DiagnosisService, ProbeOverrides};
pub use lanes::LaneDetails;
pub use metrics::{FindingKey, FindingStats, MetricsSnapshot};
#[cfg(any(test, fuzzing))]
pub(crate) use parse_job::understand;
pub use parse_job::{FAULTS_MAX, InputError, JobInput, TARGETS_MAX};
pub use plan::{LanePlan, Plan, PoolCost};
pub use quota::PoolDetails;
pub use read_jobs::{JobPage, JobView, JobWait};
pub use search::JobSearch;
pub use tokens::Tokens;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::clock::Clock;
pub use crate::diagnose::{
    CauseAnswer, CheckAnswer, Diagnose, DiagnosisAnswer, DiagnosisRecord, Finding, SubjectAnswer,
};
use crate::domain::{Routes, ScopeWord};
pub use crate::engine::{CounterKey, PoolStatus as Pool, Wait as Why};
use crate::engine::{EngineStatus, LaneStatuses};
use crate::notify::Notifiers;
use crate::random::Random;
use crate::store::{Store, StoreError};

/// The counter at which callers are served.
#[derive(Clone)]
pub struct Service {
    pub store: Arc<dyn Store>,
    pub routes: Arc<Routes>,
    pub lane_statuses: Arc<LaneStatuses>,
    pub engine_status: Arc<EngineStatus>,
    pub notifiers: Notifiers,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
}

/// Why a caller did not get what they asked for.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// No token, or none that is good.
    #[error("no valid token")]
    Unauthorized,
    /// The token is good, but not for this; `faults` are the targets that it is not good for.
    #[error("a scope is missing")]
    ScopeMissing { scopes: Vec<ScopeWord>, faults: Vec<InputError> },
    /// It does not exist, or is another tenant's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The body asks for something that cannot be; every fault is named, up to a limit.
    #[error("the job was refused and nothing of it was stored")]
    Invalid(Vec<InputError>),
    /// The idempotency key came with another body before.
    #[error("this Idempotency-Key was used before with another body")]
    KeyReused,
    /// The job's state leaves nothing to do.
    #[error("{0}")]
    Final(&'static str),
    /// It would cost others too much now.
    #[error("{why}")]
    TooMany { why: &'static str, again_in: Duration },
    #[error(transparent)]
    Store(#[from] StoreError),
}
