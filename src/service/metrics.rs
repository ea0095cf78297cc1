//! What can be measured at one moment, for monitoring systems. Read from what knows it already: counters, the
//! accounts, the lanes, the monitor. No walk over jobs or items.

use std::collections::{BTreeMap, HashSet};

use super::caller::lacks;
use super::{Caller, DiagnosisService, Service, ServiceError};
use crate::diagnose::Finding;
use crate::domain::{AccountName, CheckId, CheckResult, HostPattern, Routes, ScopeWord, Timestamp};
use crate::engine::{AccountStatus, CounterKey, PoolStatus};
use crate::store::LaneRecord;

/// The figures of one moment.
#[derive(Debug)]
pub struct MetricsSnapshot {
    pub counts: BTreeMap<CounterKey, u64>,
    pub lanes: Vec<LaneRecord>,
    pub pools: Vec<PoolStatus>,
    pub accounts: Vec<AccountStatus>,
    pub standing: BTreeMap<FindingKey, FindingStats>,
    /// When the last round of the monitor ended.
    pub patrolled_at: Option<Timestamp>,
}

/// What findings are told apart by. Hosts that come and go would make a series each, so only those are named that the
/// configuration names; the others of an account are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingKey {
    pub account: AccountName,
    pub check: CheckId,
    pub result: CheckResult,
    pub host: Option<String>,
}

/// How many findings are so, and since when the first of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingStats {
    pub findings: u64,
    pub at: Timestamp,
}

impl Service {
    /// Whether the caller may have the figures: they tell of all tenants together and of every routed host, and so do the
    /// lanes, quotas and findings that a caller who may read all hosts sees anyway.
    ///
    /// # Errors
    /// A scope is missing.
    pub fn may_measure(&self, caller: &Caller) -> Result<(), ServiceError> {
        let may = caller.scopes.may_read_all_hosts() || caller.scopes.may_administer();
        if may { Ok(()) } else { Err(lacks(ScopeWord::Read)) }
    }

    /// The figures of this moment.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn snapshot(&self, diagnoses: &DiagnosisService) -> Result<MetricsSnapshot, ServiceError> {
        let (findings, patrolled_at) = diagnoses.all_findings();
        Ok(MetricsSnapshot {
            counts: self.lane_statuses.counters.read(),
            lanes: self.store.lanes().await?,
            pools: self.engine_status.pools(self.clock.now()),
            accounts: self.engine_status.accounts(),
            standing: standing(&findings, &self.routes),
            patrolled_at,
        })
    }
}

/// What is not well, counted.
fn standing(findings: &[Finding], routes: &Routes) -> BTreeMap<FindingKey, FindingStats> {
    let exact = routes.iter().filter_map(|(hosts, _)| match hosts {
        HostPattern::Exact(host) => Some(host),
        HostPattern::Below(_) | HostPattern::Any => None,
    });
    let named: HashSet<String> = exact.collect();
    let mut standing: BTreeMap<FindingKey, FindingStats> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.result != CheckResult::Ok) {
        let host = finding.host.as_ref().filter(|host| named.contains(*host)).cloned();
        let key = FindingKey { account: finding.account.clone(), check: finding.check, result: finding.result, host };
        let since = standing.entry(key).or_insert(FindingStats { findings: 0, at: finding.since });
        since.findings += 1;
        since.at = since.at.min(finding.since);
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_hosts_that_no_route_names_are_one_figure() {
        let main = AccountName::new("main");
        let mut routes = Routes::default();
        for hosts in ["named.example", "*.wide.example"] {
            routes.add(hosts.parse().expect("a pattern"), main.clone());
        }
        let finding = |host: Option<&str>, result, since| Finding {
            account: main.clone(),
            subject: String::new(),
            host: host.map(str::to_owned),
            check: CheckId::OriginCertificate,
            result,
            seen: String::new(),
            action: None,
            since: Timestamp::from_millis(since),
            checked_at: Timestamp::from_millis(99),
        };
        let (warn, fail) = (CheckResult::Warn, CheckResult::Fail);
        let findings = [
            finding(Some("named.example"), fail, 5),
            finding(Some("a.wide.example"), fail, 9),
            finding(Some("b.wide.example"), fail, 7),
            finding(Some("b.wide.example"), warn, 8),
            finding(Some("named.example"), CheckResult::Ok, 1),
            finding(None, fail, 3),
        ];
        let standing = standing(&findings, &routes);
        let results: Vec<_> = standing
            .iter()
            .map(|(key, since)| (key.result, key.host.as_deref(), since.findings, since.at.as_millis()))
            .collect();
        assert_eq!(results.len(), 3);
        for expected in [(warn, None, 1, 8), (fail, None, 3, 3), (fail, Some("named.example"), 1, 5)] {
            assert!(results.contains(&expected), "{expected:?} of {results:?}");
        }
    }
}
