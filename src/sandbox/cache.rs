//! The copies that the edge keeps: by host, path and query, without an age limit.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::domain::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectKey {
    pub(super) host: String,
    /// With its query. The scheme is no part of the key.
    pub(super) path: String,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) status: StatusCode,
    /// Those of the origin's headers that an edge passes on.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) stored_at: Timestamp,
    /// The origin has to be asked before this copy is served again.
    pub(super) revalidate: bool,
}

/// A fetch from the origin that may become a copy, unless a purge comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchTicket(u64);

#[derive(Debug, Default)]
pub(super) struct Cache {
    objects: BTreeMap<ObjectKey, Object>,
    fetching: BTreeMap<ObjectKey, FetchTicket>,
    tickets: u64,
}

impl Cache {
    pub(super) fn look(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    pub(super) fn begin_fetch(&mut self, key: &ObjectKey) -> FetchTicket {
        self.tickets += 1;
        let ticket = FetchTicket(self.tickets);
        self.fetching.insert(key.clone(), ticket);
        ticket
    }

    /// Keeps what a fetch brought. What was purged meanwhile is not kept: it may be older than the purge.
    pub(super) fn store(&mut self, key: ObjectKey, ticket: FetchTicket, object: Object) {
        if self.fetching.get(&key) == Some(&ticket) {
            self.fetching.remove(&key);
            self.objects.insert(key, object);
        }
    }

    pub(super) fn purge_url(&mut self, key: &ObjectKey) {
        self.objects.remove(key);
        self.fetching.remove(key);
    }

    pub(super) fn purge_below(&mut self, directory: &ObjectKey) {
        for key in keys_below(&self.objects, directory) {
            self.objects.remove(&key);
        }
        self.forget_fetches_below(directory);
    }

    pub(super) fn revalidate_below(&mut self, directory: &ObjectKey) {
        for (_, object) in self.objects.range_mut(directory.clone()..).take_while(|(key, _)| is_below(key, directory)) {
            object.revalidate = true;
        }
        self.forget_fetches_below(directory);
    }

    fn forget_fetches_below(&mut self, directory: &ObjectKey) {
        for key in keys_below(&self.fetching, directory) {
            self.fetching.remove(&key);
        }
    }
}

/// Keys are in order, so that those below a directory follow each other.
fn keys_below<V>(map: &BTreeMap<ObjectKey, V>, directory: &ObjectKey) -> Vec<ObjectKey> {
    map.range(directory.clone()..).map(|(key, _)| key).take_while(|key| is_below(key, directory)).cloned().collect()
}

fn is_below(key: &ObjectKey, directory: &ObjectKey) -> bool {
    key.host == directory.host && key.path.starts_with(&directory.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str, path: &str) -> ObjectKey {
        ObjectKey { host: host.to_owned(), path: path.to_owned() }
    }

    fn object() -> Object {
        Object {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"x"),
            stored_at: Timestamp::from_millis(0),
            revalidate: false,
        }
    }

    fn filled(paths: &[&str]) -> Cache {
        let mut cache = Cache::default();
        for path in paths {
            let key = key("a", path);
            let ticket = cache.begin_fetch(&key);
            cache.store(key, ticket, object());
        }
        cache
    }

    #[test]
    fn a_directory_purge_takes_what_lies_below_and_nothing_beside() {
        let mut cache = filled(&["/", "/d", "/d/", "/d/x?y", "/d/e/f", "/d-2/x", "/e"]);
        let other = key("b", "/d/x");
        let ticket = cache.begin_fetch(&other);
        cache.store(other.clone(), ticket, object());
        cache.purge_below(&key("a", "/d/"));
        let left: Vec<&str> = cache.objects.keys().map(|key| key.path.as_str()).collect();
        assert_eq!(left, ["/", "/d", "/d-2/x", "/e", "/d/x"]);
        cache.purge_below(&key("a", "/"));
        assert_eq!(cache.objects.keys().collect::<Vec<_>>(), [&other]);
    }

    #[test]
    fn a_flush_marks_and_keeps() {
        let mut cache = filled(&["/d/x", "/e"]);
        cache.revalidate_below(&key("a", "/d/"));
        assert!(cache.look(&key("a", "/d/x")).unwrap().revalidate);
        assert!(!cache.look(&key("a", "/e")).unwrap().revalidate);
    }

    #[test]
    fn what_was_fetched_before_a_purge_is_not_kept_after_it() {
        let mut cache = Cache::default();
        let wanted = key("a", "/d/x");
        let purges: [fn(&mut Cache); 3] = [
            |cache| cache.purge_url(&key("a", "/d/x")),
            |cache| cache.purge_below(&key("a", "/d/")),
            |cache| cache.revalidate_below(&key("a", "/d/")),
        ];
        for purge in purges {
            let ticket = cache.begin_fetch(&wanted);
            purge(&mut cache);
            cache.store(wanted.clone(), ticket, object());
            assert!(cache.look(&wanted).is_none());
        }
    }
}
