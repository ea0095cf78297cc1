//! The simulated Tencent Cloud CDN: an API that checks signatures, limits and quotas, an edge and an origin behind it, a
//! name server that leads to both, and a control endpoint for what tests want to go wrong. It shares no code with the
//! provider's client.

mod account;
mod api;
mod control;
mod dns;
pub mod domain_config;
mod edge;
mod faults;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod listener;
mod options;
mod origin;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod tls;
mod wire;

pub use account::Credential;
pub use account::quota::{PoolChange, QuotaOptions, SimulatedPool};
pub use account::wire::{AccountSetup, Denial, SimulatedAccountState};
pub use api::call_log::RecordedCall;
pub use api::task::TaskKind;
pub use dns::wire::{DnsAnswer, DnsRule};
pub use domain_config::domain::{Area, Domain, DomainConfigError, DomainStatus};
pub use domain_config::wire::{
    CacheConfig, CacheDuration, CacheKeySetup, CacheRuleSetup, CacheSetup, DomainChange, DomainConfigState,
    FollowOrigin, HeuristicCache, HeuristicCacheConfig, KeyRule, NoCache, OriginSetup, PullProtocol, QueryAction,
    QueryString, RuleType, StatusCodeCache, StatusCodeRule, Switch, Switched,
};
pub use faults::http::AnswerRuleError;
pub use faults::wire::{AnswerFault, AnswerRule, BodyEncoding, EdgeArea, Fault, FaultRule, FaultySide};
pub use options::{Addresses, SandboxOptions};
pub use origin::documents::ContentError;
pub use server::{Sandbox, start};
pub use state::{Cloud, TaskView};
pub use tls::{CertificateRule, CertificateState};
pub use wire::{
    CacheLookupWords, DayLimitRule, DirectorySlashRule, MixedBatchRule, OriginContent, RateRule, RateScope, Switches,
};
