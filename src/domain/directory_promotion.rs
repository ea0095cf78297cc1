//! Promotion: when so many URL purges share a directory that one purge of the directory is cheaper. Only for hosts for which it
//! is configured, because it also drops content that no job named.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Priority, Target, TargetKind};

/// Directories above a URL that are counted, from the site's root down: a path of a thousand slashes is valid, but no real site
/// has one.
const LEVELS_MAX: usize = 64;

/// When a host's URLs are promoted to a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromotionRule {
    /// Pending URL purges below it, at least.
    pub at: u32,
    /// Path segments of the directory, at least; 0 allows the whole site.
    pub depth: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promotion {
    /// Directories promoted in one provider day, at most.
    pub per_day: u32,
    /// By host, in the form that targets have.
    pub hosts: BTreeMap<String, PromotionRule>,
}

/// A directory with enough URL purges below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotionCandidate {
    pub directory: Target,
    pub urls: u64,
    /// The highest priority of them.
    pub priority: Priority,
}

impl Promotion {
    /// The tenant of promoted directories. No token can have it.
    pub const TENANT: &'static str = "refreshd:promotion";

    /// Fewer pending URLs than this are never promoted; none if nothing is promoted at all.
    #[must_use]
    pub fn urls_min(&self) -> Option<u32> {
        self.hosts.values().map(|rule| rule.at).min().filter(|_| self.per_day > 0)
    }

    /// The directories with enough of these URLs, the deepest first, because they drop the least other content. A URL counts for
    /// one of them.
    #[must_use]
    pub fn candidates<'a>(&self, urls: impl IntoIterator<Item = (&'a Target, Priority)>) -> Vec<PromotionCandidate> {
        let mut below: HashMap<&str, BTreeMap<&Target, Priority>> = HashMap::new();
        for (url, priority) in urls {
            let Some(rule) = self.hosts.get(url.host()) else { continue };
            let deep_enough = usize::try_from(rule.depth).unwrap_or(usize::MAX);
            for directory in directories_above(url.as_str()).skip(deep_enough) {
                let pressing = below.entry(directory).or_default().entry(url).or_insert(priority);
                *pressing = priority.min(*pressing);
            }
        }
        let mut deepest: Vec<_> = below.into_iter().collect();
        deepest.sort_by_key(|(directory, _)| (std::cmp::Reverse(directory.matches('/').count()), *directory));
        let (mut counted, mut candidates) = (BTreeSet::new(), Vec::new());
        for (directory, mut urls) in deepest {
            urls.retain(|url, _| !counted.contains(url));
            let at = urls.keys().next().and_then(|url| self.hosts.get(url.host())).map_or(u32::MAX, |rule| rule.at);
            let Ok(target) = Target::parse(TargetKind::Directory, directory) else { continue };
            let (Some(priority), true) = (urls.values().min().copied(), urls.len() as u64 >= u64::from(at)) else {
                continue;
            };
            counted.extend(urls.keys().copied());
            candidates.push(PromotionCandidate { directory: target, urls: urls.len() as u64, priority });
        }
        candidates
    }
}

impl PromotionCandidate {
    /// Whether the directory costs a smaller part of what is left of its quota than the URLs would of theirs.
    #[must_use]
    pub const fn is_cheaper(&self, urls_left: u64, directories_left: u64) -> bool {
        directories_left > 0 && self.urls > 1 && self.urls.saturating_mul(directories_left) > urls_left
    }
}

/// Those above a URL from the site's root down, and the URL itself if it could be one; no more than anybody's site has.
pub fn directories_above(url: &str) -> impl Iterator<Item = &str> {
    let url = url.split('?').next().unwrap_or(url);
    let path = url.find("://").map_or(0, |scheme| scheme + 3);
    url[path..].match_indices('/').map(move |(place, _)| &url[..=path + place]).take(LEVELS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(paths: &[&str]) -> Vec<Target> {
        let url = |path: &&str| Target::parse(TargetKind::Url, &format!("https://h.example{path}")).expect("a URL");
        paths.iter().map(url).collect()
    }

    fn promoted(at: u32, depth: u32, urls: &[Target]) -> Vec<(String, u64)> {
        let hosts = BTreeMap::from([("h.example".to_owned(), PromotionRule { at, depth })]);
        let candidates = Promotion { per_day: 1, hosts }.candidates(urls.iter().map(|url| (url, Priority::Normal)));
        let path = |target: &Target| target.as_str().trim_start_matches("https://h.example").to_owned();
        candidates.into_iter().map(|candidate| (path(&candidate.directory), candidate.urls)).collect()
    }

    #[test]
    fn the_deepest_directory_that_enough_urls_share_is_theirs() {
        let all = urls(&["/a/b/1", "/a/b/2", "/a/c/3", "/a/4?x=/q/", "/5", "/a/b/2"]);
        assert_eq!(promoted(2, 1, &all), [("/a/b/".to_owned(), 2), ("/a/".to_owned(), 2)]);
        assert_eq!(promoted(3, 1, &all), [("/a/".to_owned(), 4)], "an equal URL is no other one");
        assert!(promoted(5, 1, &all).is_empty(), "the whole site only where that was said");
        assert_eq!(promoted(5, 0, &all), [("/".to_owned(), 5)]);
        assert_eq!(promoted(2, 2, &all), [("/a/b/".to_owned(), 2)]);
        assert!(promoted(2, 3, &all).is_empty());
    }

    #[test]
    fn another_host_has_no_part_in_it_and_the_most_pressing_url_tells_the_priority() {
        let elsewhere = Target::parse(TargetKind::Url, "https://i.example/a/1").expect("a URL");
        let ours = urls(&["/a/1", "/a/2"]);
        let hosts = BTreeMap::from([("h.example".to_owned(), PromotionRule { at: 2, depth: 1 })]);
        let promotion = Promotion { per_day: 1, hosts };
        let all = [(&ours[0], Priority::Bulk), (&ours[1], Priority::Urgent), (&elsewhere, Priority::Urgent)];
        let candidates = promotion.candidates(all);
        assert_eq!((candidates.len(), candidates[0].urls, candidates[0].priority), (1, 2, Priority::Urgent));
        assert!(promotion.candidates([(&ours[0], Priority::Bulk), (&elsewhere, Priority::Bulk)]).is_empty());
        assert_eq!((promotion.urls_min(), Promotion { per_day: 0, ..promotion }.urls_min()), (Some(2), None));
    }

    #[test]
    fn a_directory_is_cheaper_if_it_takes_the_smaller_part_of_what_is_left() {
        let candidate = |urls| {
            let directory = Target::parse(TargetKind::Directory, "https://h.example/a/").expect("a directory");
            PromotionCandidate { directory, urls, priority: Priority::Normal }
        };
        assert!(candidate(101).is_cheaper(10_000, 100) && !candidate(100).is_cheaper(10_000, 100));
        assert!(candidate(2).is_cheaper(0, 1) && !candidate(2).is_cheaper(0, 0) && !candidate(1).is_cheaper(0, 1));
    }
}
