//! How long the edge may serve a copy before it asks the origin again, by the domain's cache rules.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::cache_key::fits_path;
use super::wire::{CacheConfig, CacheDuration, CacheSetup, FollowOrigin, StatusCodeCache};
use crate::domain::Timestamp;
use crate::sandbox::api::time_formats;

/// The provider's figure for a 404 of which nothing is configured.
const NOT_FOUND_LIFETIME: Duration = Duration::from_secs(10);

/// What becomes of an answer of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    NotCached,
    /// Kept, and checked with the origin each time.
    Revalidate,
    For(Duration),
}

/// An answer of the origin, and for which path it came.
pub(crate) struct OriginAnswer<'a> {
    /// With its query.
    pub(crate) path: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) at: Timestamp,
}

impl CacheSetup {
    pub(crate) fn lifetime(&self, response: &OriginAnswer<'_>, statuses: Option<&StatusCodeCache>) -> Lifetime {
        if response.status != StatusCode::OK {
            return of_status(response.status, statuses);
        }
        let path = response.path.split('?').next().unwrap_or(response.path);
        let rule = self.rule_cache.iter().rfind(|rule| fits_path(rule.rule_type, &rule.rule_paths, path));
        rule.map_or(Lifetime::NotCached, |rule| rule.cache_config.lifetime(response))
    }
}

fn of_status(status: StatusCode, configured: Option<&StatusCodeCache>) -> Lifetime {
    let Some(configured) = configured else {
        return if status == StatusCode::NOT_FOUND { Lifetime::For(NOT_FOUND_LIFETIME) } else { Lifetime::NotCached };
    };
    let rule = configured.cache_rules.iter().find(|rule| rule.status_code == status.as_str());
    match rule.filter(|_| configured.switch.is_on()) {
        Some(rule) => for_seconds(rule.cache_time),
        None => Lifetime::NotCached,
    }
}

fn for_seconds(seconds: u64) -> Lifetime {
    if seconds == 0 { Lifetime::NotCached } else { Lifetime::For(Duration::from_secs(seconds)) }
}

impl CacheConfig {
    fn lifetime(&self, response: &OriginAnswer<'_>) -> Lifetime {
        if let Some(no_cache) = self.no_cache.as_ref().filter(|rule| rule.switch.is_on()) {
            return if no_cache.revalidate.is_on() { Lifetime::Revalidate } else { Lifetime::NotCached };
        }
        if let Some(follow) = self.follow_origin.as_ref().filter(|rule| rule.switch.is_on()) {
            return follow.lifetime(response);
        }
        self.cache
            .as_ref()
            .filter(|rule| rule.switch.is_on())
            .map_or(Lifetime::NotCached, |keep| keep.lifetime(response))
    }
}

impl CacheDuration {
    fn lifetime(&self, response: &OriginAnswer<'_>) -> Lifetime {
        let control = Control::read(response.headers);
        let forbidden = control.forbids_caching && !self.ignore_cache_control.is_on();
        let personal = response.headers.contains_key(header::SET_COOKIE) && !self.ignore_set_cookie.is_on();
        if forbidden || personal {
            return Lifetime::NotCached;
        }
        let shorter = control.max_age.filter(|_| self.compare_max_age.is_on());
        for_seconds(shorter.map_or(self.cache_time, |max_age| max_age.min(self.cache_time)))
    }
}

impl FollowOrigin {
    /// An origin that says nothing has its content not kept, unless the edge may guess.
    fn lifetime(&self, response: &OriginAnswer<'_>) -> Lifetime {
        let control = Control::read(response.headers);
        if control.forbids_caching || response.headers.contains_key(header::SET_COOKIE) {
            return Lifetime::NotCached;
        }
        match control.max_age {
            Some(seconds) => for_seconds(seconds),
            None if self.heuristic_cache.switch.is_on() => self.guess(response),
            None => Lifetime::NotCached,
        }
    }

    fn guess(&self, response: &OriginAnswer<'_>) -> Lifetime {
        let fixed = self.heuristic_cache.cache_config.as_ref().filter(|set| set.heuristic_cache_time_switch.is_on());
        if let Some(fixed) = fixed {
            return for_seconds(fixed.heuristic_cache_time);
        }
        // A tenth of the content's age, as caches commonly guess.
        let modified = response.headers.get(header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
        let age = modified.and_then(time_formats::parse_http_date).map(|modified| response.at.since(modified));
        age.map_or(Lifetime::NotCached, |age| for_seconds(age.as_secs() / 10))
    }
}

/// What `Cache-Control` says to a cache that many share.
struct Control {
    forbids_caching: bool,
    max_age: Option<u64>,
}

impl Control {
    fn read(headers: &HeaderMap) -> Self {
        let text = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or("");
        let words: Vec<String> = text.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
        let seconds = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.parse().ok());
        Self {
            forbids_caching: ["no-store", "no-cache", "private"].iter().any(|word| words.iter().any(|is| is == word)),
            max_age: seconds("s-maxage=").or_else(|| seconds("max-age=")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_320_000_000);

    fn lifetime(rule: Value, path: &str, sent: &[(&'static str, &'static str)]) -> Lifetime {
        let setup: CacheSetup = serde_json::from_value(rule).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        setup.lifetime(&OriginAnswer { path, status: StatusCode::OK, headers: &headers, at: NOW }, None)
    }

    fn all(config: &Value) -> Value {
        json!({"RuleCache": [{"RuleType": "all", "RulePaths": ["*"], "CacheConfig": config}]})
    }

    fn seconds(number: u64) -> Lifetime {
        Lifetime::For(Duration::from_secs(number))
    }

    #[test]
    fn a_fixed_time_bows_to_the_origin_only_where_it_is_told_to() {
        let keep = |more: Value| {
            let mut keep = json!({"Switch": "on", "CacheTime": 600});
            keep.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all(&json!({"Cache": keep}))
        };
        let age = [("cache-control", "public, max-age=60")];
        assert_eq!(lifetime(keep(json!({})), "/a", &age), seconds(600));
        assert_eq!(lifetime(keep(json!({"CompareMaxAge": "on"})), "/a", &age), seconds(60));
        let forbidden = [("cache-control", "no-store")];
        assert_eq!(lifetime(keep(json!({})), "/a", &forbidden), Lifetime::NotCached);
        assert_eq!(lifetime(keep(json!({"IgnoreCacheControl": "on"})), "/a", &forbidden), seconds(600));
        let cookie = [("set-cookie", "a=b")];
        assert_eq!(lifetime(keep(json!({})), "/a", &cookie), Lifetime::NotCached);
        assert_eq!(lifetime(keep(json!({"IgnoreSetCookie": "on"})), "/a", &cookie), seconds(600));
        assert_eq!(lifetime(keep(json!({"CacheTime": 0})), "/a", &[]), Lifetime::NotCached);
    }

    #[test]
    fn following_the_origin_needs_an_origin_that_leads() {
        let follow = all(&json!({"FollowOrigin": {"Switch": "on"}}));
        assert_eq!(lifetime(follow.clone(), "/a", &[]), Lifetime::NotCached);
        assert_eq!(lifetime(follow.clone(), "/a", &[("cache-control", "max-age=60")]), seconds(60));
        assert_eq!(lifetime(follow, "/a", &[("cache-control", "s-maxage=30, max-age=60")]), seconds(30));
        let guess = all(&json!({"FollowOrigin": {"Switch": "on", "HeuristicCache": {"Switch": "on"}}}));
        // An hour old at noon.
        let modified = [("last-modified", "Sun, 22 Nov 2026 03:00:00 GMT")];
        assert_eq!(lifetime(guess, "/a", &modified), seconds(360));
    }

    #[test]
    fn the_last_rule_that_fits_wins() {
        let rules = json!({"RuleCache": [
            {"RuleType": "all", "RulePaths": ["*"], "CacheConfig": {"Cache": {"Switch": "on", "CacheTime": 60}}},
            {"RuleType": "file", "RulePaths": ["php", "jsp"], "CacheConfig": {"NoCache": {"Switch": "on"}}},
            {"RuleType": "path", "RulePaths": ["/x.php"],
             "CacheConfig": {"NoCache": {"Switch": "on", "Revalidate": "on"}}},
        ]});
        assert_eq!(lifetime(rules.clone(), "/a.php?b=c.js", &[]), Lifetime::NotCached);
        assert_eq!(lifetime(rules.clone(), "/x.php", &[]), Lifetime::Revalidate);
        assert_eq!(lifetime(rules, "/a.js?b=.php", &[]), seconds(60));
    }
}
