//! The judges: each looks at one thing in the evidence and says what was seen, how sure it is, and what to do. Pure, and
//! blind to one another; what follows from all of them together is `causes`' business.

mod account;
mod cache;
mod cname;
mod domain;
mod edge;
mod freshness;
mod origin;
mod origin_freshness;
mod provider;
mod redirect_circle;
mod request;
mod waiting;

pub(super) use cname::answers_as_ours;
pub(super) use origin::leads_back;
pub(super) use provider::is_row;

use super::evidence::Evidence;
use crate::domain::Check;

type CheckFunction = fn(&Evidence) -> Check;

const JUDGES: &[CheckFunction] = &[
    request::request,
    account::permission,
    account::quota,
    account::clock,
    domain::domain,
    cname::cname,
    request::area,
    origin::name,
    origin::connect,
    origin::certificate,
    origin::answer,
    origin_freshness::origin_freshness,
    cache::cache_key,
    cache::cacheability,
    edge::connect,
    edge::certificate,
    edge::answer,
    freshness::edge_freshness,
    account::limits,
    provider::provider,
    waiting::waiting,
];

/// Every judge's word, in the order of `CheckId`.
#[must_use]
pub fn run(evidence: &Evidence) -> Vec<Check> {
    let mut checks: Vec<Check> = JUDGES.iter().map(|judge| judge(evidence)).collect();
    checks.sort_by_key(|check| check.id);
    checks
}
