//! The provider's domains of an account, in memory only: what was read before a restart may be wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::domain::{Area, Failure, Timestamp};
use crate::provider::{DomainFacts, DomainStatus, ServedArea};
use crate::store::OnlineHosts;

/// An older reading does not say where a domain is served now.
const FACTS_AGE_MAX: Duration = Duration::from_secs(1_200);

/// A domain as the provider describes it, and when that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedDomain {
    pub facts: Arc<DomainFacts>,
    pub read_at: Timestamp,
}

impl CachedDomain {
    /// The area of a domain that is served in one only. A domain that is served everywhere needs no area in its lane. None while
    /// the domain's configuration changes: it may be moving to another area.
    #[must_use]
    pub fn own_area(&self, now: Timestamp) -> Option<Area> {
        if self.facts.status != Some(DomainStatus::Online) || now.since(self.read_at) > FACTS_AGE_MAX {
            return None;
        }
        match self.facts.area.as_ref()? {
            ServedArea::Mainland => Some(Area::Mainland),
            ServedArea::Overseas => Some(Area::Overseas),
            ServedArea::Global | ServedArea::Other(_) => None,
        }
    }
}

/// The domains of one account, as last read.
#[derive(Default)]
pub(crate) struct DomainCache {
    cached: RwLock<Option<CachedDomains>>,
    /// The provider refused a host, so this may be wrong.
    pub(crate) is_stale: AtomicBool,
    /// Why the last reading failed, if it did.
    failed: RwLock<Option<Failure>>,
}

struct CachedDomains {
    by_name: HashMap<String, Arc<DomainFacts>>,
    online: OnlineHosts,
    read_at: Timestamp,
}

impl DomainCache {
    /// The domain that serves the host: the one of its name, else the longest wildcard above it. None: not read, or there is
    /// none.
    pub(crate) fn for_host(&self, host: &str) -> Option<CachedDomain> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref()?;
        let wildcards = host.match_indices('.').map(|(dot, _)| cached.by_name.get(&format!("*{}", &host[dot..])));
        let facts = std::iter::once(cached.by_name.get(host)).chain(wildcards).flatten().next()?;
        Some(CachedDomain { facts: facts.clone(), read_at: cached.read_at })
    }

    /// The domains that were online when they were read; none if that is too long ago.
    pub(crate) fn online_hosts(&self, now: Timestamp) -> OnlineHosts {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        let recent = cached.as_ref().filter(|cached| now.since(cached.read_at) <= FACTS_AGE_MAX);
        recent.map(|cached| cached.online.clone()).unwrap_or_default()
    }

    /// When the domains were last read; none: never.
    pub(crate) fn read_at(&self) -> Option<Timestamp> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|cached| cached.read_at)
    }

    /// Why the last reading failed, if it did.
    pub(crate) fn failed(&self) -> Option<Failure> {
        self.failed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn fail(&self, failure: Option<Failure>) {
        *self.failed.write().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    pub(crate) fn mark_stale(&self) {
        self.is_stale.store(true, Ordering::Relaxed);
    }

    /// Stores the reading, and returns the names of the domains whose area changed.
    pub(crate) fn replace(&self, read: &[DomainFacts], now: Timestamp) -> Vec<String> {
        let by_name = read.iter().map(|facts| (facts.name.clone(), Arc::new(facts.clone()))).collect();
        let is_online = |facts: &&DomainFacts| facts.status == Some(DomainStatus::Online);
        let online = OnlineHosts::new(read.iter().filter(is_online).map(|facts| facts.name.clone()).collect());
        let mut domains = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        let before = domains
            .replace(CachedDomains { by_name, online, read_at: now })
            .map(|before| before.by_name)
            .unwrap_or_default();
        let moved = |facts: &&DomainFacts| before.get(&facts.name).is_some_and(|old| old.area != facts.area);
        read.iter().filter(moved).map(|facts| facts.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn domain(name: &str, area: ServedArea) -> DomainFacts {
        DomainFacts {
            name: name.to_owned(),
            status: None,
            area: Some(area),
            cname: None,
            service: None,
            disabled: None,
            locked: None,
            origin: None,
            cache_key: None,
            cache_rules: None,
        }
    }

    #[test]
    fn a_host_finds_its_domain_as_the_provider_would() {
        let names = ["*.example.com", "*.a.example.com", "b.a.example.com"];
        let read: Vec<_> = names.iter().map(|name| domain(name, ServedArea::Global)).collect();
        let domains = DomainCache::default();
        assert_eq!(domains.for_host("b.a.example.com"), None, "nothing was read");
        domains.replace(&read, NOW);
        for host in [
            "b.a.example.com",
            "c.a.example.com",
            "c.b.a.example.com",
            "a.example.com",
            "example.com",
            "badexample.com",
        ] {
            let expected = DomainFacts::serving(host, &read);
            assert_eq!(domains.for_host(host).as_ref().map(|domain| domain.facts.as_ref()), expected, "{host}");
        }
    }

    #[test]
    fn hosts_of_domains_that_were_lately_online_are_known() {
        let domains = DomainCache::default();
        assert!(!domains.online_hosts(NOW).contains("a.example"));
        let with = |name, status| DomainFacts { status: Some(status), ..domain(name, ServedArea::Global) };
        let read = [
            with("a.example", DomainStatus::Online),
            with("*.b.example", DomainStatus::Online),
            with("c.example", DomainStatus::Offline),
        ];
        domains.replace(&read, NOW);
        let online = domains.online_hosts(NOW + FACTS_AGE_MAX);
        assert_eq!(
            ["a.example", "x.y.b.example", "b.example", "c.example"].map(|host| online.contains(host)),
            [true, true, false, false]
        );
        assert_eq!(domains.online_hosts(NOW + FACTS_AGE_MAX + Duration::from_millis(1)), OnlineHosts::default());
    }

    #[test]
    fn only_what_surely_is_in_one_area_is_sent_to_one() {
        let own = |status, area, age| {
            let facts = Arc::new(DomainFacts { status, ..domain("h.example", area) });
            CachedDomain { facts, read_at: NOW }.own_area(NOW + Duration::from_secs(age))
        };
        let online = || Some(DomainStatus::Online);
        assert_eq!(own(online(), ServedArea::Mainland, 1_200), Some(Area::Mainland));
        assert_eq!(own(online(), ServedArea::Overseas, 0), Some(Area::Overseas));
        assert_eq!(own(online(), ServedArea::Mainland, 1_201), None, "too long ago");
        assert_eq!(own(online(), ServedArea::Global, 0), None, "no area means both");
        assert_eq!(own(online(), ServedArea::Other("mars".to_owned()), 0), None);
        for other in [None, Some(DomainStatus::Processing), Some(DomainStatus::Offline)] {
            assert_eq!(own(other, ServedArea::Mainland, 0), None);
        }
    }

    #[test]
    fn a_domain_that_is_served_elsewhere_is_named_once() {
        let domains = DomainCache::default();
        let read = |area| domains.replace(&[domain("a.example", area), domain("b.example", ServedArea::Global)], NOW);
        assert!(read(ServedArea::Mainland).is_empty(), "new is not moved");
        assert_eq!(read(ServedArea::Global), ["a.example"]);
        assert!(read(ServedArea::Global).is_empty());
    }
}
