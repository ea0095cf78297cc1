//! What stands, since when, and when it was last looked at. Pure: observations go in, changes come out.

use std::collections::BTreeMap;

use crate::domain::{AccountName, Check, CheckId, CheckResult, Timestamp};

/// One thing as the monitor last saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub account: AccountName,
    /// `account main`, `pool main/…` or `domain www.example.com`.
    pub subject: String,
    /// The host that it is about; none: the account.
    pub host: Option<String>,
    pub check: CheckId,
    pub result: CheckResult,
    pub seen: String,
    pub action: Option<String>,
    /// Since when the result is so.
    pub since: Timestamp,
    pub checked_at: Timestamp,
}

impl Finding {
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        matches!(self.result, CheckResult::Warn | CheckResult::Fail)
    }
}

/// What was seen in one look at one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) subject: String,
    pub(super) host: Option<String>,
    pub(super) check: CheckId,
    pub(super) result: CheckResult,
    pub(super) seen: String,
    pub(super) action: Option<String>,
}

impl Observation {
    pub(super) fn of_domain(host: &str, check: Check) -> Self {
        let Check { id, result, seen, action, .. } = check;
        Self { subject: format!("domain {host}"), host: Some(host.to_owned()), check: id, result, seen, action }
    }
}

#[derive(Debug, Default)]
pub struct Findings {
    all: BTreeMap<(String, CheckId), Finding>,
    rounded_at: Option<Timestamp>,
}

impl Findings {
    /// Takes in what was seen of an account and its domains, and tells what is other than before: troubles that began or
    /// changed, and those that are over. What was not seen any more is forgotten, unless the domains could not be asked for.
    pub(super) fn take(
        &mut self,
        account: &AccountName,
        seen: Vec<Observation>,
        reached: bool,
        now: Timestamp,
    ) -> Vec<Finding> {
        let mut changed = Vec::new();
        for Observation { subject, host, check, result, seen, action } in seen {
            let key = (subject.clone(), check);
            let before = self.all.get(&key);
            let since = before.filter(|before| before.result == result).map_or(now, |before| before.since);
            let was_trouble = before.is_some_and(Finding::is_trouble);
            let is_other = before.is_none_or(|before| before.result != result);
            let account = account.clone();
            let finding = Finding { account, subject, host, check, result, seen, action, since, checked_at: now };
            if is_other && (was_trouble || finding.is_trouble()) {
                changed.push(finding.clone());
            }
            self.all.insert(key, finding);
        }
        let is_current = |finding: &Finding| {
            finding.account != *account || finding.checked_at == now || (!reached && finding.host.is_some())
        };
        self.all.retain(|_, finding| is_current(finding));
        changed
    }

    pub(super) fn end_round(&mut self, now: Timestamp) {
        self.rounded_at = Some(now);
    }

    pub(super) const fn last_round_at(&self) -> Option<Timestamp> {
        self.rounded_at
    }

    pub(super) fn worst_first(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.all.values().cloned().collect();
        let rank = |finding: &Finding| match finding.result {
            CheckResult::Fail => 0,
            CheckResult::Warn => 1,
            CheckResult::Unknown => 2,
            CheckResult::Ok => 3,
        };
        findings.sort_by_key(rank);
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn seen(host: Option<&str>, result: CheckResult) -> Observation {
        Observation {
            subject: host.map_or("account main".to_owned(), |host| format!("domain {host}")),
            host: host.map(str::to_owned),
            check: CheckId::Domain,
            result,
            seen: String::new(),
            action: None,
        }
    }

    #[test]
    fn a_state_is_remembered_since_it_began_and_told_when_it_changes() {
        let main = AccountName::new("main");
        let mut findings = Findings::default();
        let mut take = |results: &[(Option<&str>, CheckResult)], reached, now| {
            let observations = results.iter().map(|(host, result)| seen(*host, *result)).collect();
            let changed = findings.take(&main, observations, reached, at(now)).len();
            let all = findings.worst_first();
            (changed, all.iter().map(|one| (one.result.as_str(), one.since.as_millis())).collect::<Vec<_>>())
        };
        let (ok, fail) = (CheckResult::Ok, CheckResult::Fail);
        assert_eq!(take(&[(None, ok), (Some("h"), ok)], true, 1), (0, vec![("ok", 1), ("ok", 1)]), "well is no news");
        assert_eq!(take(&[(None, ok), (Some("h"), fail)], true, 2), (1, vec![("fail", 2), ("ok", 1)]));
        assert_eq!(take(&[(None, ok), (Some("h"), fail)], true, 3), (0, vec![("fail", 2), ("ok", 1)]));
        assert_eq!(take(&[(None, fail)], false, 4), (1, vec![("fail", 4), ("fail", 2)]), "what was not asked stays");
        assert_eq!(take(&[(None, ok)], true, 5), (1, vec![("ok", 5)]), "what is gone is forgotten");
    }
}
