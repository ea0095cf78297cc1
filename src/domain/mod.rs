//! The rules: what a target, a lane, a pool and a state are, and which state may follow which. Nothing here does I/O, reads a
//! clock, uses randomness or has a wire format.

mod backoff;
mod diagnosis;
mod directory_promotion;
mod failure;
mod forecast;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod id;
mod job;
mod lane;
mod pool;
mod rate_limit;
mod route;
mod scope;
mod state;
pub(super) mod string_enum;
mod target;
mod time;
mod token;
mod verdict;

pub use backoff::Backoff;
pub use diagnosis::{Attachment, Cause, CauseId, Check, CheckId, CheckResult, Confidence, Diagnosis, Subject};
pub use directory_promotion::{Promotion, PromotionCandidate, PromotionRule, directories_above};
pub use failure::{ErrorClass, Failure};
pub use forecast::{DailyBudget, RecentUsage, SendRate, estimated_send_time, runs_out_at};
pub use id::{AccountName, DiagnosisId, DiagnosisIdError, ItemId, JobId, JobIdError, LaneId, SubmissionId, TenantName};
pub use job::{Counts, JobRequest, JobStatus, Labels, Warning};
pub use lane::{Area, ItemOperation, Lane, Mode, Operation, Priority};
pub use pool::{Pool, PoolAvailability, PoolName, PoolReading, Reserve};
pub use rate_limit::{RateLimit, RateLimiter};
pub use route::{HostPattern, HostPatternError, Routes, host_name};
pub use scope::{Scope, ScopeError, ScopeWord, Scopes};
pub use state::{ItemState, LaneState, SubmissionState, WaitingReason};
pub use string_enum::UnknownWordError;
pub use target::{TARGET_BYTES_MAX, Target, TargetError, TargetKind};
pub use time::{ServiceDay, Timestamp};
pub use token::{Token, TokenId, TokenIdError};
pub use verdict::{
    CacheLookup, ComparisonContext, HttpObservation, ObservedResponse, Proof, RedirectDestination, SecondProbe,
    Verdict, Verification, judge,
};
