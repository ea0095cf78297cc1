//! What a token lets its bearer do, and for which hosts.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::string_enum::words;
use super::{HostPattern, Operation, Target, TargetKind};

words!(
    /// The thing itself, wherever it may be done.
    ScopeWord {
        PurgeUrl = "purge:url",
        PurgeDirectory = "purge:directory",
        /// A directory that is the whole site. `purge:directory` does not hold it: it is the most costly mistake.
        PurgeSite = "purge:site",
        Prefetch = "prefetch",
        Read = "read",
        /// Reading every tenant's jobs.
        OnCall = "oncall",
        /// Pausing lanes, and retrying and cancelling other tenants' jobs.
        Control = "control",
        Diagnose = "diagnose",
        Admin = "admin",
    }
);

impl ScopeWord {
    /// Whether `@HOSTS` may stand behind it.
    #[must_use]
    pub const fn takes_hosts(self) -> bool {
        !matches!(self, Self::OnCall | Self::Control | Self::Diagnose | Self::Admin)
    }

    /// What a purge of this target takes.
    #[must_use]
    pub fn to_purge(target: &Target) -> Self {
        match target.kind() {
            TargetKind::Url => Self::PurgeUrl,
            TargetKind::Directory if is_whole_site(target) => Self::PurgeSite,
            TargetKind::Directory => Self::PurgeDirectory,
        }
    }
}

/// An edge may read `//` and `/%2F/` as `/`, so these count as the whole site too.
fn is_whole_site(directory: &Target) -> bool {
    let rest = directory.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    path.replace("%2F", "/").replace("%2f", "/").bytes().all(|byte| byte == b'/')
}

/// One permission: `purge:url`, or `purge:url@*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    word: ScopeWord,
    hosts: HostPattern,
}

/// A text that is no scope, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    #[error("unknown scope {word:?}; one of: {allowed}")]
    Word { word: String, allowed: String },
    #[error("{0:?} names no hosts; write a host, a *.suffix or * after the @")]
    Hosts(String),
    #[error("{0} takes no hosts; write it without @")]
    NoHosts(ScopeWord),
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (word, hosts) = text.split_once('@').map_or((text, None), |(word, hosts)| (word, Some(hosts)));
        let word: ScopeWord = word
            .parse()
            .map_err(|fault: super::UnknownWordError| ScopeError::Word { word: fault.word, allowed: fault.allowed })?;
        let Some(hosts) = hosts else { return Ok(Self { word, hosts: HostPattern::Any }) };
        if !word.takes_hosts() {
            return Err(ScopeError::NoHosts(word));
        }
        let hosts = hosts.parse().map_err(|_| ScopeError::Hosts(hosts.to_owned()))?;
        Ok(Self { word, hosts })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            HostPattern::Any => self.word.fmt(f),
            hosts => write!(f, "{}@{hosts}", self.word),
        }
    }
}

/// All that a caller may do. No scope includes another, except that `oncall` includes `read`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<BTreeSet<Scope>>);

impl Scopes {
    /// Every scope, for every host.
    #[must_use]
    pub fn all() -> Self {
        ScopeWord::ALL.iter().map(|word| Scope { word: *word, hosts: HostPattern::Any }).collect()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    #[must_use]
    pub fn may_purge(&self, target: &Target) -> bool {
        self.hold(ScopeWord::to_purge(target), target.host())
    }

    #[must_use]
    pub fn may_prefetch(&self, target: &Target) -> bool {
        self.hold(ScopeWord::Prefetch, target.host())
    }

    /// What `operation` on this target takes and these do not hold.
    #[must_use]
    pub fn lacking(&self, operation: Operation, target: &Target) -> Vec<ScopeWord> {
        let purges = operation != Operation::Prefetch;
        // Directories are purged only, also by a refresh.
        let prefetches = operation != Operation::Purge && target.kind() == TargetKind::Url;
        let purge = (purges && !self.may_purge(target)).then(|| ScopeWord::to_purge(target));
        let prefetch = (prefetches && !self.may_prefetch(target)).then_some(ScopeWord::Prefetch);
        purge.into_iter().chain(prefetch).collect()
    }

    /// Whether any job at all may be read.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.sees_all() || self.0.iter().any(|scope| scope.word == ScopeWord::Read)
    }

    /// Whether jobs with targets on any host may be read, so that the hosts need no check.
    #[must_use]
    pub fn may_read_all_hosts(&self) -> bool {
        let read = |scope: &Scope| scope.word == ScopeWord::Read && scope.hosts == HostPattern::Any;
        self.sees_all() || self.0.iter().any(read)
    }

    /// Whether jobs with targets on this host may be read.
    #[must_use]
    pub fn may_read_host(&self, host: &str) -> bool {
        self.sees_all() || self.hold(ScopeWord::Read, host)
    }

    /// Whether other tenants' jobs are visible too.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.has(ScopeWord::OnCall)
    }

    #[must_use]
    pub fn may_control(&self) -> bool {
        self.has(ScopeWord::Control)
    }

    #[must_use]
    pub fn may_administer(&self) -> bool {
        self.has(ScopeWord::Admin)
    }

    #[must_use]
    pub fn may_diagnose(&self) -> bool {
        self.has(ScopeWord::Diagnose)
    }

    /// Whether anything on this host may be purged or prefetched.
    #[must_use]
    pub fn may_change_host(&self, host: &str) -> bool {
        let words = [ScopeWord::PurgeUrl, ScopeWord::PurgeDirectory, ScopeWord::PurgeSite, ScopeWord::Prefetch];
        words.iter().any(|word| self.hold(*word, host))
    }

    fn hold(&self, word: ScopeWord, host: &str) -> bool {
        self.0.iter().any(|scope| scope.word == word && scope.hosts.covers(host))
    }

    fn has(&self, word: ScopeWord) -> bool {
        self.0.iter().any(|scope| scope.word == word)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(Arc::new(scopes.into_iter().collect()))
    }
}

/// Words with spaces between.
impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.pad(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        text.parse().expect(text)
    }

    fn target(kind: TargetKind, raw: &str) -> Target {
        Target::parse(kind, raw).expect(raw)
    }

    #[test]
    fn a_scope_reads_back_in_one_form() {
        for (text, normal) in [
            ("purge:url", "purge:url"),
            ("purge:url@*", "purge:url"),
            ("purge:site@WWW.Example.com", "purge:site@www.example.com"),
            ("prefetch@*.bücher.example", "prefetch@*.xn--bcher-kva.example"),
            ("read@*.example.com", "read@*.example.com"),
            ("admin", "admin"),
        ] {
            assert_eq!(text.parse::<Scope>().map(|scope| scope.to_string()).as_deref(), Ok(normal));
        }
        for wrong in ["", "purge", "Purge:url", "purge:url@", "purge:url@a.*", "purge:url@a@b", "read@https://h/"] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
        for word in ["oncall", "control", "diagnose", "admin"] {
            assert!(matches!(format!("{word}@h.example").parse::<Scope>(), Err(ScopeError::NoHosts(_))), "{word}");
        }
    }

    #[test]
    fn each_kind_of_purge_takes_its_own_scope() {
        for (kind, raw, needed) in [
            (TargetKind::Url, "https://h.example/", ScopeWord::PurgeUrl),
            (TargetKind::Url, "https://h.example/a", ScopeWord::PurgeUrl),
            (TargetKind::Directory, "https://h.example/img/", ScopeWord::PurgeDirectory),
            (TargetKind::Directory, "https://h.example/", ScopeWord::PurgeSite),
            (TargetKind::Directory, "https://h.example//", ScopeWord::PurgeSite),
            (TargetKind::Directory, "https://h.example/%2f/%2F/", ScopeWord::PurgeSite),
        ] {
            let target = target(kind, raw);
            assert_eq!(ScopeWord::to_purge(&target), needed, "{raw}");
            for word in ScopeWord::ALL {
                assert_eq!(scopes(word.as_str()).may_purge(&target), *word == needed, "{word} for {raw}");
            }
        }
    }

    #[test]
    fn an_operation_lacks_what_its_items_need() {
        let (url, directory) =
            (target(TargetKind::Url, "https://h.example/a"), target(TargetKind::Directory, "https://h.example/a/"));
        use {Operation::*, ScopeWord as W};
        for (text, operation, target, lacking) in [
            ("purge:url", Purge, &url, vec![]),
            ("purge:url", Refresh, &url, vec![W::Prefetch]),
            ("prefetch", Refresh, &url, vec![W::PurgeUrl]),
            ("prefetch", Prefetch, &url, vec![]),
            ("", Refresh, &url, vec![W::PurgeUrl, W::Prefetch]),
            ("purge:directory", Refresh, &directory, vec![]),
            ("purge:url", Purge, &directory, vec![W::PurgeDirectory]),
            ("purge:url@*.example", Purge, &url, vec![]),
            ("purge:url@example", Purge, &url, vec![W::PurgeUrl]),
            ("admin oncall control", Purge, &url, vec![W::PurgeUrl]),
        ] {
            assert_eq!(scopes(text).lacking(operation, target), lacking, "{text} {operation} {target}");
        }
    }

    #[test]
    fn looking_is_for_readers_and_everywhere_for_those_on_call() {
        for (text, any, all_hosts, here, everyone) in [
            ("read", true, true, true, false),
            ("read@h.example", true, false, true, false),
            ("read@other.example", true, false, false, false),
            ("oncall", true, true, true, true),
            ("purge:url admin control diagnose", false, false, false, false),
        ] {
            let scopes = scopes(text);
            assert_eq!(
                (scopes.may_read(), scopes.may_read_all_hosts(), scopes.may_read_host("h.example"), scopes.sees_all()),
                (any, all_hosts, here, everyone),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_set_reads_back_as_written(words in proptest::collection::vec((0..ScopeWord::ALL.len(), "(\\*\\.)?[a-z]{1,5}\\.example"), 0..6)) {
            let text: Vec<String> = words.iter().map(|(word, hosts)| {
                let word = ScopeWord::ALL[*word];
                if word.takes_hosts() { format!("{word}@{hosts}") } else { word.to_string() }
            }).collect();
            let set = scopes(&text.join(" "));
            prop_assert_eq!(set.to_string().parse(), Ok(set));
        }

        /// A scope for some hosts never allows more than the same scope for all of them.
        #[test]
        fn hosts_only_take_away(word in 0..ScopeWord::ALL.len(), hosts in "(\\*\\.)?[ab]\\.example", host in "[ab]\\.([ab]\\.)?example") {
            let word = ScopeWord::ALL[word];
            let target = target(TargetKind::Url, &format!("https://{host}/x"));
            if word.takes_hosts() {
                let (some, all) = (scopes(&format!("{word}@{hosts}")), scopes(word.as_str()));
                prop_assert!(!some.may_purge(&target) || all.may_purge(&target));
                prop_assert!(!some.may_prefetch(&target) || all.may_prefetch(&target));
                prop_assert!(!some.may_read_host(&host) || all.may_read_host(&host));
                let covered = hosts.parse::<HostPattern>().expect("hosts").covers(&host);
                prop_assert_eq!(some.may_purge(&target), covered && word == ScopeWord::PurgeUrl);
            }
        }
    }
}
