//! Did the refresh name the cached object, and could the edge keep a copy at all?

use std::time::Duration;

use super::super::cache_key::{KeyWarning, spelling_warnings, warnings};
use super::super::evidence::{Evidence, Freshness, RedirectObservation, answer, compare};
use crate::diagnose::format::{argument, quoted, span};
use crate::diagnose::near_target::{NearRelation, NearTarget};
use crate::diagnose::path_rules::{applies, extension};
use crate::domain::{CacheLookup, CauseId, Check, CheckId, Confidence, ItemOperation, TargetKind};
use crate::provider::{CachePolicy, ServiceKind};

/// Endings that a plain web domain does not cache unless it is told to.
const DYNAMIC: &[&str] = &["php", "jsp", "asp", "aspx"];

pub(super) fn cache_key(evidence: &Evidence) -> Check {
    let target = &evidence.case.target;
    let page = evidence.guide.pages.cache_key;
    if let Some(check) = moved_on(evidence).or_else(|| other_scheme(evidence)).or_else(|| never_named(evidence)) {
        return check.page(page);
    }
    let warnings = match evidence.facts() {
        Some(facts) => warnings(facts, target),
        None => spelling_warnings(target),
    };
    if let Some(KeyWarning { code, detail, offer }) = warnings.into_iter().next() {
        let check = Check::warn(CheckId::CacheKey, detail).page(page);
        // The other scheme's copy is out of this refresh's reach, which explains nothing of this one's.
        let (check, also) = match code {
            "scheme_apart" => (check, " too"),
            _ => (check.hints_at(CauseId::WrongCacheKey), ""),
        };
        return match offer {
            Some(offer) => {
                check.act(format!("Refresh the object itself{also}: `refreshd refresh {} --wait`.", argument(&offer)))
            }
            None => check,
        };
    }
    match evidence.facts().and_then(|facts| facts.cache_key.as_ref()) {
        Some(key) if key.common.query_counts == Some(true) => Check::ok(
            CheckId::CacheKey,
            "The target names one cached object. The query counts: each spelling of it is another object, with a refresh of its own.",
        ),
        Some(_) => Check::ok(CheckId::CacheKey, "The target names one cached object by the domain's cache key rules."),
        None => Check::unknown(
            CheckId::CacheKey,
            "The provider did not tell the domain's cache key rules; the spelling shows nothing odd.",
        ),
    }
}

fn mismatch(sure: Confidence, seen: String, action: String) -> Check {
    Check::fail(CheckId::CacheKey, CauseId::WrongCacheKey, sure, seen).act(action)
}

/// The URL only redirects to another spelling, and there lies an old copy.
fn moved_on(evidence: &Evidence) -> Option<Check> {
    let RedirectObservation { to, .. } = evidence.moved.as_ref()?;
    if same_but_scheme(evidence, to) {
        return None;
    }
    let action = format!("Refresh where it leads: `refreshd refresh {} --wait`.", argument(to.as_str()));
    let seen = format!("The URL only redirects to {}; the content that people see is kept there.", quoted(to.as_str()));
    match evidence.freshness() {
        Freshness::Old(_) => Some(mismatch(Confidence::Likely, seen, action)),
        _ => Some(Check::warn(CheckId::CacheKey, seen).hints_at(CauseId::WrongCacheKey).act(action)),
    }
}

/// A redirect to https is how most sites begin, and says nothing about the key.
fn same_but_scheme(evidence: &Evidence, to: &crate::domain::Target) -> bool {
    let rest = |text: &str| text.split_once("://").map(|(_, rest)| rest.to_owned());
    rest(to.as_str()) == rest(evidence.case.target.as_str())
}

fn other_scheme(evidence: &Evidence) -> Option<Check> {
    let other = answer(evidence.other_scheme.as_ref()?)?;
    let origin = evidence.origin_answers().next()?;
    let Some(Err(what)) = compare(other, origin) else { return None };
    if evidence.source(other) == CacheLookup::Miss || (300..400).contains(&other.status) {
        return None;
    }
    let target = evidence.case.target.as_str();
    let offer = match target.strip_prefix("https:") {
        Some(rest) => format!("http:{rest}"),
        None => target.replacen("http:", "https:", 1),
    };
    let seen = format!("This domain keeps http and https copies apart, and the other one is old: {what}.");
    Some(mismatch(Confidence::Likely, seen, format!("Refresh it too: `refreshd refresh {} --wait`.", argument(&offer))))
}

/// An old copy that no job ever named, in a domain where a URL's near relations are other objects.
fn never_named(evidence: &Evidence) -> Option<Check> {
    let target = &evidence.case.target;
    if let Some(NearTarget { job, named, how: NearRelation::Spelling }) = &evidence.case.near
        && matches!(evidence.freshness(), Freshness::Old(_))
    {
        let seen = format!(
            "No job named this very URL. Job {job} refreshed {}, which is another object here.",
            quoted(named.as_str())
        );
        let action = format!("Refresh exactly this URL: `refreshd refresh {} --wait`.", argument(target.as_str()));
        return Some(mismatch(Confidence::Likely, seen, action));
    }
    if evidence.request().is_some() || !matches!(evidence.freshness(), Freshness::Old(_)) {
        return None;
    }
    let key = evidence.facts()?.cache_key.as_ref()?;
    let seen = if key.common.query_counts == Some(true) && target.as_str().contains('?') {
        "No job named this very URL. The query counts here, so a refresh of the path without it, or with another, leaves this copy."
    } else if key.scheme == Some(true) {
        "No job named this very URL. http and https are kept apart here, so a refresh of one leaves the other's copy."
    } else {
        return None;
    };
    let action = format!("Refresh exactly this URL: `refreshd refresh {} --wait`.", argument(target.as_str()));
    Some(mismatch(Confidence::Likely, seen.to_owned(), action))
}

pub(super) fn cacheability(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.cache_rules;
    let check = |check: Check| check.page(page);
    if evidence.case.target.kind() == TargetKind::Directory {
        return Check::ok(
            CheckId::Cacheability,
            "What lies below a directory follows rules of its own; name one URL to have them checked.",
        );
    }
    let from_copy = evidence.edge_answer().is_some_and(|look| evidence.source(look) == CacheLookup::Hit);
    let rule = rule(evidence);
    let blocked = match rule {
        Some(CachePolicy::Nothing) => Some((
            "The domain's cache rules say not to keep this path, so neither purge nor prefetch has an effect here"
                .to_owned(),
            "Nothing has to be purged here; if it should be cached, change the rule",
            Confidence::Certain,
        )),
        _ => uncacheable(evidence, rule).or_else(|| lives_no_time(evidence, rule)),
    };
    if let Some((seen, action, sure)) = blocked {
        let action = format!("{action} (console: CDN > Domain Management > Cache Configuration).");
        if evidence.request().is_none() {
            return check(Check::warn(CheckId::Cacheability, format!("{seen}.")).act(action));
        }
        if from_copy {
            return check(
                Check::warn(CheckId::Cacheability, format!("{seen}; but the edge just served a copy.")).act(action),
            );
        }
        let prefetch = evidence.request().is_some_and(|request| request.operation == ItemOperation::Prefetch);
        let sure = if prefetch { sure } else { sure.min(Confidence::Likely) };
        return check(Check::fail(CheckId::Cacheability, CauseId::NotCacheable, sure, format!("{seen}.")).act(action));
    }
    match lifetime(evidence, rule) {
        Some(life) if life < evidence.guide.purge_worthwhile => check(
            Check::warn(
                CheckId::Cacheability,
                format!(
                    "Copies live for {} only, less than a purge takes (about {}).",
                    span(life),
                    span(evidence.guide.purge.usual)
                ),
            )
            .act("Wait for the copy to expire instead of purging it, or let it live longer."),
        ),
        Some(life) => Check::ok(CheckId::Cacheability, format!("Copies are kept for {}.", span(life))),
        None if from_copy => Check::ok(CheckId::Cacheability, "The edge just served a copy, so it may keep one."),
        None if evidence.origin_answers().next().is_none() && rule.is_none() => Check::unknown(
            CheckId::Cacheability,
            "Neither the domain's cache rules nor the origin's headers are known.",
        ),
        None => Check::ok(CheckId::Cacheability, "Nothing forbids the edge to keep a copy."),
    }
}

/// What the last rule for the path says. `None`: not told, or in a form that is new to us.
fn rule(evidence: &Evidence) -> Option<CachePolicy> {
    let path = path(evidence);
    let rules = evidence.facts()?.cache_rules.as_ref()?;
    let (_, keeps) = rules
        .iter()
        .rev()
        .map(|rule| (applies(&rule.applies, path), rule.keeps))
        .find(|(fits, _)| *fits != Some(false))
        .filter(|(fits, _)| fits.is_some())?;
    Some(keeps).filter(|keeps| *keeps != CachePolicy::Unclear)
}

fn path(evidence: &Evidence) -> &str {
    let rest = evidence.case.target.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let path = &rest[rest.find('/').unwrap_or(rest.len())..];
    path.split('?').next().unwrap_or(path)
}

/// What keeps copies from being made although no rule forbids them: in words, what to do, how sure.
fn uncacheable(evidence: &Evidence, rule: Option<CachePolicy>) -> Option<(String, &'static str, Confidence)> {
    let header = |name: &str| evidence.origin_answers().find_map(|look| look.header(name));
    let forbidding = header("cache-control").filter(|value| {
        let value = value.to_ascii_lowercase();
        ["no-store", "no-cache", "private"].iter().any(|word| value.contains(word))
    });
    if let Some(control) = forbidding {
        // A rule with a time of its own may be set to go before the origin's word, which the provider does not tell.
        let sure = match rule {
            Some(CachePolicy::For(_)) => Confidence::Possible,
            _ => Confidence::Likely,
        };
        let seen = format!("The origin sends \"Cache-Control: {}\", so the edge keeps no copy", quoted(&control));
        return Some((
            seen,
            "Nothing has to be purged then; if it should be cached, change the header at the origin or the rule",
            sure,
        ));
    }
    let web = evidence.facts().and_then(|facts| facts.service.as_ref()) == Some(&ServiceKind::Web);
    let dynamic =
        extension(path(evidence)).is_some_and(|end| DYNAMIC.iter().any(|text| end.eq_ignore_ascii_case(text)));
    if web && dynamic && rule.is_none() {
        let seen = "By default a web domain keeps no copy of pages made by a program (php, jsp, asp, aspx)".to_owned();
        return Some((seen, "Nothing has to be purged then; if it should be cached, add a rule", Confidence::Possible));
    }
    let cookie = header("set-cookie").is_some();
    let prefetch = evidence.request().is_some_and(|request| request.operation == ItemOperation::Prefetch);
    // A rule with a time may be set to ignore cookies, which the provider does not tell; a miss after the prefetch does.
    let missed =
        evidence.succeeded() && evidence.edge_answer().is_some_and(|look| evidence.source(look) == CacheLookup::Miss);
    if cookie && prefetch && (missed || !matches!(rule, Some(CachePolicy::For(_)))) {
        let seen = "The origin sets a cookie with this answer, which can keep the edge from keeping a copy".to_owned();
        return Some((seen, "Let the origin set no cookie here, or tell the rule to ignore it", Confidence::Possible));
    }
    None
}

/// A copy that expires at once is as good as none.
fn lives_no_time(evidence: &Evidence, rule: Option<CachePolicy>) -> Option<(String, &'static str, Confidence)> {
    lifetime(evidence, rule).filter(Duration::is_zero)?;
    let seen = match rule {
        Some(CachePolicy::For(_)) => "The domain's cache rule keeps this path for 0 seconds".to_owned(),
        _ => {
            "The origin lets copies live for 0 seconds (Cache-Control), so each visit asks the origin again".to_owned()
        }
    };
    let action =
        "Nothing has to be purged then; if it should be cached, let the origin or the rule give it a time to live";
    Some((seen, action, Confidence::Likely))
}

fn lifetime(evidence: &Evidence, rule: Option<CachePolicy>) -> Option<Duration> {
    if let Some(CachePolicy::For(life)) = rule {
        return Some(life);
    }
    let control = evidence.origin_answers().find_map(|look| look.header("cache-control"))?.to_ascii_lowercase();
    let seconds = |name: &str| {
        control
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')?.trim().parse::<u64>().ok())
    };
    seconds("s-maxage").or_else(|| seconds("max-age")).map(Duration::from_secs)
}
