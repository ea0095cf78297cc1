//! Hosts that the provider refused of late: how long each stays aside, and when it is trusted again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::{Backoff, Failure, SubmissionId, Timestamp};
use crate::store::Suspect;

/// How long a host that is offline or migrating stays aside: it takes a person to bring it back.
const PARK: Backoff = Backoff { first: Duration::from_secs(60), max: Duration::from_secs(900) };

/// The suspects of one account. After a restart they are found again, at the cost of a refused call.
#[derive(Default)]
pub(super) struct Hosts(BTreeMap<String, Suspicion>);

struct Suspicion {
    refused: SubmissionId,
    until: Timestamp,
    /// How often it was parked without having worked since.
    times: u32,
    failure: Failure,
}

impl Hosts {
    /// The host cannot be refreshed as it is: nothing of it goes before the moment that is answered.
    pub(super) fn park(
        &mut self,
        host: &str,
        refused: SubmissionId,
        failure: &Failure,
        jitter: f64,
        now: Timestamp,
    ) -> Timestamp {
        let times = self.0.get(host).map_or(1, |known| known.times.saturating_add(1));
        let until = now + PARK.wait(times, jitter);
        self.0.insert(host.to_owned(), Suspicion { refused, until, times, failure: failure.clone() });
        until
    }

    /// The host is not the account's: what else is sent of it is sent apart.
    pub(super) fn doubt(&mut self, host: &str, refused: SubmissionId, failure: &Failure, now: Timestamp) {
        let suspicion = Suspicion { refused, until: now, times: 0, failure: failure.clone() };
        self.0.entry(host.to_owned()).or_insert(suspicion);
    }

    /// The provider took a batch with these hosts.
    pub(super) fn work(&mut self, hosts: &BTreeSet<String>) {
        self.0.retain(|host, _| !hosts.contains(host));
    }

    pub(super) fn suspects(&self) -> Vec<Suspect> {
        let suspect = |(host, known): (&String, &Suspicion)| Suspect {
            host: host.clone(),
            refused: known.refused,
            until: known.until,
            failure: known.failure.clone(),
        };
        self.0.iter().map(suspect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ErrorClass;

    #[test]
    fn a_host_stays_aside_longer_each_time_until_it_works() {
        let mut hosts = Hosts::default();
        let offline = Failure::new(ErrorClass::DomainState, "CdnHostIsNotOnline", "offline");
        let now = Timestamp::from_millis(1_000_000);
        let park =
            |hosts: &mut Hosts| hosts.park("a.example", SubmissionId(7), &offline, 1.0, now).since(now).as_secs();
        assert_eq!([park(&mut hosts), park(&mut hosts), park(&mut hosts)], [60, 120, 240]);
        hosts.doubt("a.example", SubmissionId(8), &offline, now);
        assert_eq!(hosts.suspects()[0].refused, SubmissionId(7), "a parked host stays parked");
        hosts.work(&BTreeSet::from(["a.example".to_owned()]));
        assert!(hosts.suspects().is_empty());
        assert_eq!(park(&mut hosts), 60);
    }
}
