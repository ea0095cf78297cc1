//! The edge's header on where its response came from.

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheLookup {
    /// From a copy at the node that was asked.
    Hit,
    /// The node that was asked had no copy. Another tier may have had one.
    Miss,
    /// There is no such header, or it says neither.
    NotStated,
}

impl CacheLookup {
    /// Reads `X-Cache-Lookup`: a list with an entry for each hop. Only these entries are copies of the node; a miss reads, for
    /// instance, `Hit From Upstream, Cache Miss, Hit From Inner Cluster`
    /// (Tencent Cloud CDN, "Node Cache Inconsistency" and "Status Codes and Solutions").
    #[must_use]
    pub fn parse(header: &str) -> Self {
        let text = header.to_ascii_lowercase();
        let is_copy = |entry: &str| {
            entry == "cache hit" || entry.starts_with("hit from memcache") || entry.starts_with("hit from disktank")
        };
        let mut entries = text.split(',').map(str::trim);
        if entries.clone().any(is_copy) {
            Self::Hit
        } else if entries.any(|entry| entry.contains("miss") || entry.starts_with("hit from")) {
            Self::Miss
        } else {
            Self::NotStated
        }
    }

    /// Of a header that may be missing.
    #[must_use]
    pub fn of(header: Option<&str>) -> Self {
        header.map_or(Self::NotStated, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_copy_of_the_node_is_a_hit() {
        for (header, expected) in [
            ("Cache Hit", CacheLookup::Hit),
            ("Hit From MemCache", CacheLookup::Hit),
            ("Hit From Disktank3", CacheLookup::Hit),
            ("hit from disktank, Cache Miss", CacheLookup::Hit),
            ("Cache Miss", CacheLookup::Miss),
            ("Cache Miss, Hit From Inner Cluster", CacheLookup::Miss),
            ("Hit From Upstream, Cache Miss, Hit From Inner Cluster", CacheLookup::Miss),
            ("Hit From Upstream Cluster", CacheLookup::Miss),
            ("", CacheLookup::NotStated),
            ("White List", CacheLookup::NotStated),
        ] {
            assert_eq!(CacheLookup::parse(header), expected, "{header}");
        }
        assert_eq!(CacheLookup::of(None), CacheLookup::NotStated);
    }
}
