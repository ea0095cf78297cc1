//! The copies that the edge keeps, by the key that the domain's configuration gives them, in each area and at each
//! node apart.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EdgeScheme {
    Http,
    Https,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EdgeObjectKey {
    pub(crate) host: String,
    /// With as much of its query as counts.
    pub(crate) path: String,
    /// Its path is in lower case because case does not count.
    pub(crate) folded: bool,
    /// Only if it counts.
    pub(crate) scheme: Option<EdgeScheme>,
}

/// The copies of every node in every area.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    /// How many nodes have an address of their own. They count from 1; node 0 is the sandbox's own ports.
    pub(crate) nodes: usize,
    mainland: BTreeMap<usize, Cache>,
    overseas: BTreeMap<usize, Cache>,
}

impl Caches {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// `Global` is no place where copies are; its first part stands for it.
    pub(crate) fn of(&mut self, area: Area, node: usize) -> &mut Cache {
        let caches = match area {
            Area::Mainland | Area::Global => &mut self.mainland,
            Area::Overseas => &mut self.overseas,
        };
        caches.entry(node).or_default()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) status: StatusCode,
    /// Those of the origin's headers that an edge passes on.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) stored_at: Timestamp,
    /// From then on the origin has to be asked.
    pub(crate) expires_at: Timestamp,
    /// The origin has to be asked before this copy is served again.
    pub(crate) revalidate: bool,
}

/// A fetch from the origin that may become a copy, unless a purge comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FetchTicket(u64);

#[derive(Debug, Default)]
pub(crate) struct Cache {
    objects: BTreeMap<EdgeObjectKey, Object>,
    fetching: BTreeMap<EdgeObjectKey, FetchTicket>,
    tickets: u64,
}

impl Cache {
    pub(crate) fn get(&self, key: &EdgeObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    pub(crate) fn begin_fetch(&mut self, key: &EdgeObjectKey) -> FetchTicket {
        self.tickets += 1;
        let ticket = FetchTicket(self.tickets);
        self.fetching.insert(key.clone(), ticket);
        ticket
    }

    /// Keeps what a fetch brought. What was purged meanwhile is not kept: it may be older than the purge.
    pub(crate) fn store(&mut self, key: EdgeObjectKey, ticket: FetchTicket, object: Object) {
        if self.fetching.get(&key) == Some(&ticket) {
            self.fetching.remove(&key);
            self.objects.insert(key, object);
        }
    }

    pub(crate) fn purge_url(&mut self, key: &EdgeObjectKey) {
        self.objects.remove(key);
        self.fetching.remove(key);
    }

    pub(crate) fn purge_below(&mut self, directory: &EdgeObjectKey) {
        for key in keys_below(&self.objects, directory) {
            self.objects.remove(&key);
        }
        self.forget_fetches_below(directory);
    }

    pub(crate) fn revalidate_below(&mut self, directory: &EdgeObjectKey) {
        for key in keys_below(&self.objects, directory) {
            if let Some(object) = self.objects.get_mut(&key) {
                object.revalidate = true;
            }
        }
        self.forget_fetches_below(directory);
    }

    fn forget_fetches_below(&mut self, directory: &EdgeObjectKey) {
        for key in keys_below(&self.fetching, directory) {
            self.fetching.remove(&key);
        }
    }
}

/// Keys are in order, so that those below a directory follow each other; those whose case does not count follow each
/// other below the directory in lower case.
fn keys_below<V>(map: &BTreeMap<EdgeObjectKey, V>, directory: &EdgeObjectKey) -> Vec<EdgeObjectKey> {
    let lower = EdgeObjectKey { path: directory.path.to_ascii_lowercase(), ..directory.clone() };
    let below = |directory: &EdgeObjectKey| -> Vec<EdgeObjectKey> {
        let from = EdgeObjectKey { folded: false, scheme: None, ..directory.clone() };
        let keys = map.range(from..).map(|(key, _)| key).take_while(|key| is_below(key, directory));
        keys.filter(|key| directory.scheme.is_none() || key.scheme == directory.scheme).cloned().collect()
    };
    let mut keys = below(directory);
    if lower.path != directory.path {
        keys.extend(below(&lower).into_iter().filter(|key| key.folded));
    }
    keys
}

fn is_below(key: &EdgeObjectKey, directory: &EdgeObjectKey) -> bool {
    key.host == directory.host && key.path.starts_with(&directory.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str, path: &str) -> EdgeObjectKey {
        EdgeObjectKey { host: host.to_owned(), path: path.to_owned(), folded: false, scheme: None }
    }

    fn object() -> Object {
        Object {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"x"),
            stored_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(i64::MAX),
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
        let texts: Vec<&str> = cache.objects.keys().map(|key| key.path.as_str()).collect();
        assert_eq!(texts, ["/", "/d", "/d-2/x", "/e", "/d/x"]);
        cache.purge_below(&key("a", "/"));
        assert_eq!(cache.objects.keys().collect::<Vec<_>>(), [&other]);
    }

    #[test]
    fn a_directory_in_another_case_takes_only_what_is_kept_without_case() {
        let mut cache = filled(&["/D/x", "/d/x"]);
        let folded = EdgeObjectKey { folded: true, ..key("a", "/d/y") };
        let ticket = cache.begin_fetch(&folded);
        cache.store(folded.clone(), ticket, object());
        cache.purge_below(&key("a", "/D/"));
        assert_eq!(cache.objects.keys().collect::<Vec<_>>(), [&key("a", "/d/x")]);
    }

    #[test]
    fn a_flush_marks_and_keeps() {
        let mut cache = filled(&["/d/x", "/e"]);
        cache.revalidate_below(&key("a", "/d/"));
        assert!(cache.get(&key("a", "/d/x")).unwrap().revalidate);
        assert!(!cache.get(&key("a", "/e")).unwrap().revalidate);
    }

    #[test]
    fn what_was_fetched_before_a_purge_is_not_kept_after_it() {
        let mut cache = Cache::default();
        let object_key = key("a", "/d/x");
        let purges: [fn(&mut Cache); 3] = [
            |cache| cache.purge_url(&key("a", "/d/x")),
            |cache| cache.purge_below(&key("a", "/d/")),
            |cache| cache.revalidate_below(&key("a", "/d/")),
        ];
        for purge in purges {
            let ticket = cache.begin_fetch(&object_key);
            purge(&mut cache);
            cache.store(object_key.clone(), ticket, object());
            assert!(cache.get(&object_key).is_none());
        }
    }
}
