//! Which account serves a host: an exact name wins, then the longest `*.suffix`, then `*`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{AccountName, Target, TargetKind};

/// A text that names no hosts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a host, a *.suffix or *")]
pub struct HostPatternError;

/// The hosts of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This host alone.
    Exact(String),
    /// Every name below this one, at any depth; not the name itself.
    Below(String),
    /// All hosts.
    Any,
}

impl HostPattern {
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host == name,
            Self::Below(suffix) => {
                host.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
            }
            Self::Any => true,
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.strip_prefix("*.") {
            Some(suffix) => host_name(suffix).map(Self::Below),
            None => host_name(text).map(Self::Exact),
        }
        .ok_or(HostPatternError)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.pad(name),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
            Self::Any => f.pad("*"),
        }
    }
}

/// The form in which targets have this host, so that rules match them; `None` if no target can.
#[must_use]
pub fn host_name(text: &str) -> Option<String> {
    if text.contains(['/', '?', '#', '@', ':']) {
        return None;
    }
    let home = Target::parse(TargetKind::Url, &format!("https://{text}/")).ok()?;
    Some(home.host().to_owned())
}

/// All routes. A lookup costs one step for each label of the host, however many routes there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    exact: BTreeMap<String, AccountName>,
    below: BTreeMap<String, AccountName>,
    any: Option<AccountName>,
}

impl Routes {
    /// Adds a route. If there was one for the same hosts, it stays and its account is returned.
    pub fn add(&mut self, hosts: HostPattern, account: AccountName) -> Option<&AccountName> {
        use std::collections::btree_map::Entry;
        let place = match hosts {
            HostPattern::Exact(name) => self.exact.entry(name),
            HostPattern::Below(suffix) => self.below.entry(suffix),
            HostPattern::Any => {
                let first = self.any.is_some();
                let any = self.any.get_or_insert(account);
                return first.then_some(any);
            }
        };
        match place {
            Entry::Occupied(first) => Some(first.into_mut()),
            Entry::Vacant(place) => {
                place.insert(account);
                None
            }
        }
    }

    /// The account that serves `host`, in the form that targets have.
    #[must_use]
    pub fn account_for(&self, host: &str) -> Option<&AccountName> {
        let suffixes = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        let below = || suffixes.into_iter().find_map(|suffix| self.below.get(suffix));
        self.exact.get(host).or_else(below).or(self.any.as_ref())
    }

    /// Exact names first, then suffixes, then `*`.
    pub fn iter(&self) -> impl Iterator<Item = (HostPattern, &AccountName)> {
        let exact = self.exact.iter().map(|(name, account)| (HostPattern::Exact(name.clone()), account));
        let below = self.below.iter().map(|(suffix, account)| (HostPattern::Below(suffix.clone()), account));
        exact.chain(below).chain(self.any.iter().map(|account| (HostPattern::Any, account)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(rules: &[(&str, &str)]) -> Routes {
        let mut routes = Routes::default();
        for (hosts, account) in rules {
            assert_eq!(routes.add(hosts.parse().expect(hosts), AccountName::new(*account)), None);
        }
        routes
    }

    #[test]
    fn an_exact_host_wins_then_the_longest_suffix_then_any() {
        let routes = routes(&[
            ("*", "any"),
            ("*.example.com", "wide"),
            ("*.img.example.com", "narrow"),
            ("a.example.com", "one"),
        ]);
        for (host, account) in [
            ("a.example.com", "one"),
            ("b.example.com", "wide"),
            ("b.a.example.com", "wide"),
            ("x.img.example.com", "narrow"),
            ("x.y.img.example.com", "narrow"),
            ("img.example.com", "wide"),
            ("example.com", "any"),
            ("notexample.com", "any"),
            ("elsewhere.test", "any"),
        ] {
            assert_eq!(routes.account_for(host).map(AccountName::as_str), Some(account), "{host}");
        }
    }

    #[test]
    fn a_host_without_a_route_has_no_account() {
        assert_eq!(routes(&[("*.example.com", "wide")]).account_for("example.com"), None);
        assert_eq!(Routes::default().account_for("www.example.com"), None);
    }

    #[test]
    fn a_second_route_for_the_same_hosts_changes_nothing() {
        let mut routes = routes(&[("*.example.com", "first")]);
        let second = routes.add("*.EXAMPLE.com".parse().expect("a pattern"), AccountName::new("second"));
        assert_eq!(second, Some(&AccountName::new("first")));
        assert_eq!(routes.account_for("a.example.com"), Some(&AccountName::new("first")));
    }

    #[test]
    fn patterns_are_written_as_targets_write_hosts() {
        for (raw, normal) in
            [("WWW.Example.com", "www.example.com"), ("*.bücher.example", "*.xn--bcher-kva.example"), ("*", "*")]
        {
            assert_eq!(raw.parse::<HostPattern>().map(|pattern| pattern.to_string()).as_deref(), Ok(normal));
        }
        for wrong in
            ["", "*.", "**", "a.*", "*a.example", "https://h.example", "h.example/", "h.example:443", "127.0.0.1"]
        {
            assert_eq!(wrong.parse::<HostPattern>(), Err(HostPatternError), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_covers_what_its_route_serves() {
        for (pattern, host, covered) in [
            ("a.example", "a.example", true),
            ("*.example", "a.b.example", true),
            ("*.example", "example", false),
            ("*.example", ".example", false),
            ("*.ample", "a.example", false),
            ("*", "a.example", true),
        ] {
            assert_eq!(pattern.parse::<HostPattern>().expect(pattern).covers(host), covered, "{pattern} {host}");
        }
    }
}
