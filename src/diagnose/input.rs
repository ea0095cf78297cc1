//! What is known before anything is looked at: the request, what became of it, and how its account stands. Whoever asks
//! for a diagnosis gathers it; nothing here was seen over the network.

use std::net::SocketAddr;

use super::near_target::NearTarget;
use crate::domain::{
    AccountName, Area, ErrorClass, Failure, ItemOperation, ItemState, JobId, Mode, Operation, PoolName, Priority,
    Subject, Target, TargetKind, Timestamp, Verification, WaitingReason,
};
use crate::provider::DomainFacts;

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagnosisInput {
    pub subject: Subject,
    /// What to look at: the target itself, the job's most telling one, or a host's home page.
    pub target: Target,
    pub request: Option<JobContext>,
    /// If no job named the target: what a job named that people may take for it.
    pub near: Option<NearTarget>,
    pub circumstances: AccountContext,
    /// Where the configuration says that the edge and the origin of the target's host are.
    pub edge: Option<SocketAddr>,
    /// Further edges that the verdict is made from.
    pub other_edges: Vec<SocketAddr>,
    pub origin: Option<SocketAddr>,
}

/// What was asked for and what became of it. For a bare URL: the newest job that named it, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct JobContext {
    pub job: JobId,
    /// What the job named: the case's target, or a directory above it.
    pub named: Target,
    /// What the job asks for as a whole: a prefetch alone replaces nothing, one of a refresh follows its purge.
    pub input: Operation,
    /// What the item does that is looked at.
    pub operation: ItemOperation,
    pub kind: TargetKind,
    pub mode: Option<Mode>,
    /// As asked for; none: the domain's own.
    pub area: Option<Area>,
    pub priority: Priority,
    pub source: Option<String>,
    pub state: ItemState,
    pub verification: Verification,
    pub failure: Option<Failure>,
    pub task_id: Option<String>,
    pub request_id: Option<String>,
    pub created_at: Timestamp,
    pub submitted_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub waiting: Option<CurrentWait>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// How many of the job's items are in each way of failing, by class and code.
    pub failures: Vec<(ErrorClass, String, u64)>,
}

/// One call with the target, or one look at its task, that did not bring it to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    /// The event in its own words.
    pub what: String,
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentWait {
    pub reason: WaitingReason,
    pub detail: String,
    pub until: Option<Timestamp>,
}

/// How the account, its pools and the domain stand, as the engine knows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountContext {
    /// None: no route leads from the host to an account.
    pub account: Option<AccountSnapshot>,
    /// The pools that the request draws on.
    pub pools: Vec<PoolSnapshot>,
    pub domain: KnownDomainState,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AccountSnapshot {
    pub name: AccountName,
    /// What stops all its calls, if something does.
    pub paused: Option<Failure>,
    /// What stops one action, by the action's name.
    pub refused_actions: Vec<(String, Failure)>,
    /// Why the day quota of an operation could not be read, without which nothing of it is sent.
    pub unread_quotas: Vec<(ItemOperation, Failure)>,
    /// The provider's clock less ours, in milliseconds; none: no answer yet.
    pub skew_millis: Option<i64>,
    /// Whether the last call was answered with "too many".
    pub throttled_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSnapshot {
    pub name: PoolName,
    pub operation: ItemOperation,
    pub kind: TargetKind,
    pub area: Area,
    pub total: u64,
    pub available: u64,
    /// Of what is gone today, what we sent; the rest was spent by others.
    pub ours: u64,
    pub batch: u32,
    pub resets_at: Timestamp,
    pub read_at: Timestamp,
}

/// What the provider told of the domain that serves the host.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum KnownDomainState {
    /// Not asked yet, or the asking failed: why.
    #[default]
    NotYet,
    Failed(Failure),
    /// The account has no such domain.
    NoSuchDomain,
    Facts(Box<DomainFacts>),
}
