//! Hosts that the provider refused: how long each is parked or isolated, and when that ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{Backoff, Failure, ItemOperation, SubmissionId, Timestamp};
use crate::store::SuspendedHost;

/// How long a host that is offline or migrating is parked: a person has to bring it back.
const PARK: Backoff = Backoff { first: Duration::from_secs(60), max: Duration::from_secs(900) };

/// The suspended hosts of one account, by operation: a host that may not be purged may still be prefetched. A restart forgets
/// them, at the cost of one refused call each.
#[derive(Default)]
pub(crate) struct HostSuspensions(BTreeMap<(ItemOperation, String), Suspension>);

struct Suspension {
    refused: SubmissionId,
    until: Timestamp,
    /// How often it was parked since the provider last accepted it.
    times: u32,
    failure: Failure,
}

impl HostSuspensions {
    /// The host cannot be refreshed now: returns until when none of its items is sent.
    pub(crate) fn park(
        &mut self,
        (operation, host): (ItemOperation, &str),
        refused: SubmissionId,
        failure: &Failure,
        jitter: f64,
        now: Timestamp,
    ) -> Timestamp {
        let key = (operation, host.to_owned());
        let times = match self.0.get(&key) {
            // Calls that were open together are refused together: that counts once.
            Some(suspension) if now < suspension.until => return suspension.until,
            Some(suspension) => suspension.times.saturating_add(1),
            None => 1,
        };
        let until = now + PARK.wait(times, jitter);
        self.0.insert(key, Suspension { refused, until, times, failure: failure.clone() });
        until
    }

    /// The host is not the account's: its other items are isolated.
    pub(crate) fn suspect(
        &mut self,
        (operation, host): (ItemOperation, &str),
        refused: SubmissionId,
        failure: &Failure,
        now: Timestamp,
    ) {
        let suspension = Suspension { refused, until: now, times: 0, failure: failure.clone() };
        self.0.entry((operation, host.to_owned())).or_insert(suspension);
    }

    /// The provider accepted a batch with these hosts.
    pub(crate) fn clear(&mut self, operation: ItemOperation, hosts: &BTreeSet<String>) {
        self.0.retain(|(of, host), _| *of != operation || !hosts.contains(host));
    }

    pub(crate) fn suspended_hosts(&self, operation: ItemOperation) -> Vec<SuspendedHost> {
        let suspended = |((_, host), suspension): (&(ItemOperation, String), &Suspension)| SuspendedHost {
            host: host.clone(),
            refused: suspension.refused,
            until: suspension.until,
            failure: suspension.failure.clone(),
        };
        self.0.iter().filter(|((of, _), _)| *of == operation).map(suspended).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorClass;

    #[test]
    fn a_host_stays_aside_longer_each_time_until_it_works() {
        let mut hosts = HostSuspensions::default();
        let offline = Failure::new(ErrorClass::DomainState, "CdnHostIsNotOnline", "offline");
        let mut now = Timestamp::from_millis(1_000_000);
        let host = (ItemOperation::Purge, "a.example");
        for seconds in [60, 120, 240] {
            let until = hosts.park(host, SubmissionId(7), &offline, 1.0, now);
            assert_eq!(until.since(now).as_secs(), seconds);
            assert_eq!(hosts.park(host, SubmissionId(9), &offline, 1.0, now), until, "both calls were open at once");
            now = until;
        }
        hosts.suspect(host, SubmissionId(8), &offline, now);
        assert_eq!(
            hosts.suspended_hosts(ItemOperation::Purge)[0].refused,
            SubmissionId(7),
            "a parked host stays parked"
        );
        assert!(hosts.suspended_hosts(ItemOperation::Prefetch).is_empty());
        let works = BTreeSet::from(["a.example".to_owned()]);
        hosts.clear(ItemOperation::Prefetch, &works);
        assert_eq!(hosts.suspended_hosts(ItemOperation::Purge).len(), 1);
        hosts.clear(ItemOperation::Purge, &works);
        assert!(hosts.suspended_hosts(ItemOperation::Purge).is_empty());
        assert_eq!(hosts.park(host, SubmissionId(9), &offline, 1.0, now).since(now).as_secs(), 60);
    }
}
