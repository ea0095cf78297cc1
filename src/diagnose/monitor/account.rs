//! Judging what an account's reads brought: may its key be used, is the clock right, will the quota last. Pure.

use std::time::Duration;

use super::findings::Observation;
use crate::diagnose::AccountSnapshot;
use crate::domain::{
    AccountName, CheckId, CheckResult, Failure, ItemOperation, PoolReading, RecentUsage, Timestamp, runs_out_at,
};
use crate::provider::{DomainFacts, ReadError};

/// The present rate of spending is that of the last hour.
pub(super) const RATE_SPAN: Duration = Duration::from_secs(60 * 60);
/// Beyond this the clock is worth mending; the provider refuses signatures that are more than five minutes off.
const SKEW_WARNS: Duration = Duration::from_secs(30);
const SKEW_FAILS: Duration = Duration::from_secs(240);
/// Less than this share of a pool is little.
const LITTLE: u64 = 10;

fn observation(subject: String, check: CheckId, result: CheckResult, seen: String) -> Observation {
    Observation { subject, host: None, check, result, seen, action: None }
}

fn of_account(name: &AccountName, check: CheckId, result: CheckResult, seen: String) -> Observation {
    observation(format!("account {name}"), check, result, seen)
}

/// Whether the key is good, and for what: by the reads just made and by what its work met.
pub(super) fn access(
    name: &AccountName,
    state: Option<&AccountSnapshot>,
    readings: &[(ItemOperation, Result<Vec<PoolReading>, ReadError>)],
    domains: &Result<Vec<DomainFacts>, ReadError>,
) -> Vec<Observation> {
    let mut troubles: Vec<(String, &Failure)> = Vec::new();
    for (operation, reading) in readings {
        troubles.extend(reading.as_ref().err().map(|fault| (format!("the {operation} quota"), fault.failure())));
    }
    troubles.extend(domains.as_ref().err().map(|fault| ("the domains".to_owned(), fault.failure())));
    let reads = readings.len() + 1;
    let failed = troubles.len();
    if let Some(state) = state {
        troubles.extend(state.paused.as_ref().map(|failure| ("all calls".to_owned(), failure)));
        troubles.extend(state.refused_actions.iter().map(|(action, failure)| (action.clone(), failure)));
    }
    let Some((_, first)) = troubles.first() else {
        let seen = "the key is good: quotas and domains can be read, and no call was refused".to_owned();
        return vec![of_account(name, CheckId::Permission, CheckResult::Ok, seen)];
    };
    let texts: Vec<String> =
        troubles.iter().map(|(what, failure)| format!("{what}: {} ({})", failure.code, failure.message)).collect();
    let all = if failed == reads { "nothing can be read; " } else { "" };
    let mut observation =
        of_account(name, CheckId::Permission, CheckResult::Fail, format!("{all}{}", texts.join("; ")));
    observation.action = Some(first.advice().to_owned());
    vec![observation]
}

pub(super) fn clock(name: &AccountName, skew_millis: Option<i64>) -> Observation {
    let Some(millis) = skew_millis else {
        let seen = "the provider's time is not known".to_owned();
        return of_account(name, CheckId::Clock, CheckResult::Unknown, seen);
    };
    let (apart, seconds) = (Duration::from_millis(millis.unsigned_abs()), millis.unsigned_abs() / 1000);
    let side = if millis > 0 { "behind" } else { "ahead of" };
    let result = match apart {
        apart if apart >= SKEW_FAILS => CheckResult::Fail,
        apart if apart >= SKEW_WARNS => CheckResult::Warn,
        _ => CheckResult::Ok,
    };
    let mut observation =
        of_account(name, CheckId::Clock, result, format!("this machine is {seconds} s {side} the provider's clock"));
    if result != CheckResult::Ok {
        observation.action = Some("Set this machine's clock by NTP.".to_owned());
    }
    observation
}

/// `lately`: what of the pool this daemon sent in the last hour.
pub(super) fn quota(
    account: &AccountName,
    pool: &PoolReading,
    lately: RecentUsage,
    resets_at: Timestamp,
    now: Timestamp,
) -> Observation {
    let PoolReading { name, total, available, .. } = pool;
    let minutes = resets_at.since(now).as_secs() / 60;
    let text = format!("{available} of {total} left, and {} h {} min to the reset", minutes / 60, minutes % 60);
    let ends = runs_out_at(*available, lately, resets_at, now);
    let (result, seen) = match ends {
        _ if *available == 0 && *total > 0 => (CheckResult::Fail, text),
        Some(at) => {
            let minutes = at.since(now).as_secs() / 60;
            (CheckResult::Warn, format!("{text}; at the rate of the last hour it is spent in {minutes} min"))
        }
        None if *available < total / LITTLE => (CheckResult::Warn, text),
        None => (CheckResult::Ok, text),
    };
    let mut observation = observation(format!("pool {account}/{name}"), CheckId::Quota, result, seen);
    if result != CheckResult::Ok {
        observation.action = Some("Send less today, or raise the quota in the provider's console.".to_owned());
    }
    observation
}

/// A wildcard domain has no page to look at: only its state is known.
pub(super) fn wildcard(facts: &DomainFacts) -> Option<Observation> {
    let status = facts.status.as_ref()?;
    let result = match facts.is_live() {
        Some(true) => CheckResult::Ok,
        Some(false) => CheckResult::Fail,
        None => CheckResult::Unknown,
    };
    let seen = format!("the wildcard is {status}; its hosts are not looked at");
    let host = Some(facts.name.clone());
    Some(Observation { host, ..observation(format!("domain {}", facts.name), CheckId::Domain, result, seen) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Area, ErrorClass, PoolName, TargetKind};

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    #[test]
    fn a_clock_that_is_off_is_told_before_signatures_are_refused() {
        let name = AccountName::new("main");
        for (millis, result) in [
            (None, CheckResult::Unknown),
            (Some(29_999), CheckResult::Ok),
            (Some(-30_000), CheckResult::Warn),
            (Some(240_000), CheckResult::Fail),
        ] {
            assert_eq!(clock(&name, millis).result, result, "{millis:?}");
        }
        assert!(clock(&name, Some(60_000)).seen.contains("60 s behind"));
        assert!(clock(&name, Some(-60_000)).seen.contains("60 s ahead of"));
    }

    #[test]
    fn a_quota_that_will_not_last_is_told_before_it_is_spent() {
        let hour = Duration::from_secs(3600);
        let check = |available, sent| {
            let pool = PoolReading {
                name: PoolName("p".to_owned()),
                operation: ItemOperation::Purge,
                kind: TargetKind::Url,
                area: Area::Mainland,
                total: 1_000,
                available,
                batch: 100,
            };
            let lately = RecentUsage { targets: sent, since: NOW - hour };
            quota(&AccountName::new("main"), &pool, lately, NOW + 6 * hour, NOW).result
        };
        assert_eq!(check(1_000, 0), CheckResult::Ok);
        assert_eq!(check(500, 80), CheckResult::Ok, "six hours of it take 480");
        assert_eq!(check(500, 90), CheckResult::Warn);
        assert_eq!(check(99, 0), CheckResult::Warn);
        assert_eq!(check(0, 0), CheckResult::Fail);
    }

    #[test]
    fn a_refused_action_is_told_although_all_can_be_read() {
        let name = AccountName::new("main");
        let failure = Failure::new(ErrorClass::Permission, "UnauthorizedOperation", "not allowed");
        let mut state = AccountSnapshot {
            name: name.clone(),
            paused: None,
            refused_actions: Vec::new(),
            skew_millis: None,
            unread_quotas: Vec::new(),
            throttled_at: None,
        };
        let readings = [(ItemOperation::Purge, Ok(Vec::new()))];
        let check = |state: &AccountSnapshot, domains| access(&name, Some(state), &readings, &domains).remove(0);
        assert_eq!(check(&state, Ok(Vec::new())).result, CheckResult::Ok);
        let blind = check(&state, Err(ReadError::AccountRefused(failure.clone())));
        assert!(blind.result == CheckResult::Fail && blind.seen.contains("the domains: Unauthorized"), "{blind:?}");
        state.refused_actions.push(("PurgeUrlsCache".to_owned(), failure));
        let refused = check(&state, Ok(Vec::new()));
        assert!(refused.result == CheckResult::Fail && refused.action.is_some(), "{refused:?}");
        assert!(refused.seen.contains("PurgeUrlsCache"), "{refused:?}");
    }
}
