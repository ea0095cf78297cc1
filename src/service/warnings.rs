//! What is told of a job before anything is sent: hosts that the provider will hardly take, targets that will not reach the object
//! that people mean, and URLs that are one object. It is only told: what is sent is what was written (law 9).

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Service;
use super::parse_job::JobInput;
use crate::diagnose::KeyWarning;
use crate::diagnose::cache_key::{representative, same_object, spelling_warnings, warnings};
use crate::domain::{JobRequest, Target, TargetKind, Warning};
use crate::engine::CachedDomain;

/// Warnings of one job, and the bytes of their details; more are only counted. They are part of each answer about the job.
const WARNINGS_MAX: usize = 100;
const BYTES_MAX: usize = 32 * 1024;
/// What one warning for all URLs of an object says better than one for each.
const BY_OBJECT: [&str; 4] = ["query_ignored", "query_partly_ignored", "query_reordered", "case_ignored"];

impl Service {
    /// What is odd about the job, hosts first. Each host is looked up once, however many targets it has.
    pub(super) fn warnings(&self, input: &JobInput, request: &JobRequest) -> Vec<Warning> {
        let targets = [
            ParsedUrl { field: "urls", kind: TargetKind::Url, raw: &input.urls, targets: &request.urls },
            ParsedUrl {
                field: "directories",
                kind: TargetKind::Directory,
                raw: &input.directories,
                targets: &request.directories,
            },
        ]
        .map(LocatedTarget::of);
        let (mut list, mut domains) = (WarningList::default(), HashMap::new());
        for located in &targets {
            for (place, target) in located.written.targets.iter().enumerate() {
                domains.entry(target.host()).or_insert_with(|| {
                    let doubt = self.doubt(target.host());
                    list.extend(doubt.map(|(code, detail)| located.warning(place, code, detail)));
                    self.engine_status.domain(target.host())
                });
            }
        }
        let [urls, directories] = &targets;
        let shared = by_object(urls, &domains, &mut list);
        by_target(urls, &shared, &domains, &mut list);
        by_target(directories, &HashSet::new(), &domains, &mut list);
        list.all()
    }

    /// A host that is none of the account's, or not online, as far as the provider told of its domains.
    fn doubt(&self, host: &str) -> Option<(&'static str, String)> {
        self.engine_status.domains_read_at(host)?;
        let Some(domain) = self.engine_status.domain(host) else {
            let detail = format!("the provider lists no domain for {host} in this account; its targets will fail");
            return Some(("unknown_host", detail));
        };
        let dead = domain.facts.is_live() == Some(false);
        let status = domain.facts.status.as_ref().map(ToString::to_string).unwrap_or_default();
        dead.then(|| {
            ("host_not_online", format!("{host} is {status} at the provider; its targets wait until that ends"))
        })
    }
}

/// What the provider told of each host of the job.
type Hosts<'a> = HashMap<&'a str, Option<CachedDomain>>;

/// The domain that serves the target, if the provider told how it keys its objects.
fn keyed<'h>(hosts: &'h Hosts<'_>, target: &Target) -> Option<&'h CachedDomain> {
    hosts.get(target.host())?.as_ref().filter(|domain| domain.facts.cache_key.is_some())
}

/// One list of the body, and what was understood of it.
struct ParsedUrl<'a> {
    field: &'static str,
    kind: TargetKind,
    raw: &'a [String],
    targets: &'a [Target],
}

/// The same, with the place of each target in the body, which is only looked for once something is told of one.
struct LocatedTarget<'a> {
    written: ParsedUrl<'a>,
    places: OnceCell<Vec<usize>>,
}

impl<'a> LocatedTarget<'a> {
    const fn of(written: ParsedUrl<'a>) -> Self {
        Self { written, places: OnceCell::new() }
    }

    fn warning(&self, target: usize, code: &str, detail: String) -> Warning {
        let place = self.place(target);
        Warning { code: code.to_owned(), detail, pointer: format!("/{}/{place}", self.written.field) }
    }

    /// Where the target stands first: equal ones were merged into it.
    fn place(&self, target: usize) -> usize {
        let ParsedUrl { kind, raw, targets, .. } = self.written;
        if raw.len() == targets.len() {
            return target;
        }
        let places = self.places.get_or_init(|| {
            let mut seen = HashSet::new();
            let is_first = |raw: &String| Target::parse(kind, raw).is_ok_and(|target| seen.insert(target));
            raw.iter().map(is_first).enumerate().filter_map(|(place, is_first)| is_first.then_some(place)).collect()
        });
        places.get(target).copied().unwrap_or_default()
    }
}

/// URLs that are one object, as far as that is known, and which URLs those are.
fn by_object(urls: &LocatedTarget<'_>, hosts: &Hosts<'_>, list: &mut WarningList) -> HashSet<usize> {
    let targets = urls.written.targets;
    let entry =
        targets.iter().enumerate().filter_map(|(place, url)| Some((place, keyed(hosts, url)?.facts.as_ref(), url)));
    let objects = same_object(entry);
    for (first, count) in objects.iter().filter_map(|urls| Some((*urls.first()?, urls.len()))) {
        let Some(domain) = keyed(hosts, &targets[first]) else { continue };
        let detail = format!(
            "{count} URLs of this job, of which this is the first, are one cached copy to the CDN. All are sent as written; \
             one would do, and cost {} less of the day quota: {}",
            count - 1,
            representative(&domain.facts, &targets[first])
        );
        list.extend([urls.warning(first, "same_object", detail)]);
    }
    objects.into_iter().flatten().collect()
}

/// What is odd about each target by itself; of those that share an object, what was not told of the object already.
fn by_target(located: &LocatedTarget<'_>, shared: &HashSet<usize>, hosts: &Hosts<'_>, list: &mut WarningList) {
    let mut apart = DifferingParts::default();
    for (place, target) in located.written.targets.iter().enumerate() {
        let odd = match keyed(hosts, target) {
            Some(domain) => warnings(&domain.facts, target),
            None => spelling_warnings(target),
        };
        let is_shared = shared.contains(&place);
        for warning in odd.into_iter().filter(|warning| !(is_shared && BY_OBJECT.contains(&warning.code))) {
            if warning.code == "scheme_apart" {
                apart.take(place, target, warning, located.written.targets);
            } else {
                list.extend([located.warning(place, warning.code, detail(warning))]);
            }
        }
    }
    apart.tell(located, list);
}

/// URLs of hosts that keep a copy for each scheme: one warning for a host, and none where both schemes are asked for.
#[derive(Default)]
struct DifferingParts<'a> {
    hosts: Vec<Arc<str>>,
    by_object: HashMap<Arc<str>, (usize, KeyWarning, usize)>,
    url_texts: OnceCell<HashSet<&'a str>>,
}

impl<'a> DifferingParts<'a> {
    fn take(&mut self, place: usize, url: &Target, warning: KeyWarning, urls: &'a [Target]) {
        let texts = self.url_texts.get_or_init(|| urls.iter().map(Target::as_str).collect());
        if warning.offer.as_deref().is_some_and(|other| texts.contains(other)) {
            return;
        }
        if let Some((_, _, more)) = self.by_object.get_mut(url.host()) {
            *more += 1;
            return;
        }
        let host: Arc<str> = url.host().into();
        self.hosts.push(host.clone());
        self.by_object.insert(host, (place, warning, 0));
    }

    fn tell(mut self, located: &LocatedTarget<'_>, list: &mut WarningList) {
        for host in &self.hosts {
            let Some((place, mut warning, more)) = self.by_object.remove(host) else { continue };
            if more > 0 {
                warning.detail.push_str(&format!(" So it is with {more} more of {host}."));
            }
            list.extend([located.warning(place, warning.code, detail(warning))]);
        }
    }
}

/// The offer last, so that it can be copied.
fn detail(warning: KeyWarning) -> String {
    let KeyWarning { code, detail, offer } = warning;
    match offer {
        None => detail,
        Some(offer) if code == "scheme_apart" => format!("{detail} For both, add {offer}"),
        Some(offer) => format!("{detail} Perhaps meant: {offer}"),
    }
}

/// The first warnings; of the rest, how many they are.
#[derive(Default)]
struct WarningList {
    first: Vec<Warning>,
    bytes: usize,
    more: usize,
}

impl WarningList {
    fn extend(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        for warning in warnings {
            self.bytes += warning.detail.len();
            if self.more > 0 || self.first.len() >= WARNINGS_MAX || self.bytes > BYTES_MAX {
                self.more += 1;
            } else {
                self.first.push(warning);
            }
        }
    }

    fn all(mut self) -> Vec<Warning> {
        if self.more > 0 {
            let detail = format!("{} more warnings of this job are not listed", self.more);
            self.first.push(Warning { code: "more_warnings".to_owned(), detail, pointer: String::new() });
        }
        self.first
    }
}
