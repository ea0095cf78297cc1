//! The rules: what follows from an edge's answer, the origin's, and the origin's second one (docs/decisions/0018).

use super::content::{Likeness, compare, same_version};
use super::location::RedirectDestination;
use super::{CacheLookup, ComparisonContext, HttpObservation, SecondProbe, Verdict, Verification};

/// Compares the edge's answer with the origin's. A verdict other than fresh that was made without a second probe of the origin
/// is a first impression: the origin may differ from itself.
#[must_use]
pub fn judge(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    let Verdict { verification, mut reason } = with_second_probe(context, edge, origin);
    let remark = match verification {
        Verification::Stale => age_remark(context, edge, origin),
        Verification::Fresh if is_gone(edge.status) => {
            let status = edge.status;
            Some(format!("but nothing is there ({status}): it was removed, or the URL is mistyped"))
        }
        // The visitor gets the right content, so it is `fresh`. That it was not cached may be because of another tier or the
        // cache rules, and is no reason to fail a deployment.
        Verification::Fresh if context.prefetched => miss_remark(edge),
        _ => None,
    };
    if let Some(remark) = remark {
        reason.push_str(&format!("; {remark}"));
    }
    Verdict { verification, reason }
}

fn with_second_probe(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    let first = by_one_probe(context, edge, origin);
    if first.verification == Verification::Fresh || origin.status >= 500 {
        return first;
    }
    match context.origin_again {
        SecondProbe::None => first,
        SecondProbe::Failed(why) if first.verification == Verification::Stale => unknown(format!(
            "{}, but the origin did not answer a second time, which would prove it: {why}",
            first.reason
        )),
        SecondProbe::Failed(_) => first,
        SecondProbe::Answer(again) => match differs_from_itself(context, origin, again) {
            Some(Difference::Status) => {
                unknown(format!("the origin answers {} and then {}, so it proves nothing", origin.status, again.status))
            }
            Some(Difference::Content) => of_changing_origin(context, edge, origin, again),
            None => first,
        },
    }
}

enum Difference {
    Status,
    Content,
}

fn differs_from_itself(
    context: ComparisonContext<'_>,
    origin: &HttpObservation,
    again: &HttpObservation,
) -> Option<Difference> {
    if origin.status != again.status {
        return Some(Difference::Status);
    }
    let destination = |side: &HttpObservation| RedirectDestination::of(context.target, side.location.as_deref()?);
    let is_other = match compare(again, origin) {
        Likeness::Different(_) | Likeness::DifferentBodyWithEqual(_) => true,
        Likeness::Same("body") | Likeness::Unknown(_) => same_version(again, origin) == Some(false),
        Likeness::Same(_) => false,
    };
    (is_other || destination(origin) != destination(again)).then_some(Difference::Content)
}

/// The origin answered twice and differently. Its bodies prove nothing; the copy's age does, and tags or dates that stayed.
fn of_changing_origin(
    context: ComparisonContext<'_>,
    edge: &HttpObservation,
    origin: &HttpObservation,
    again: &HttpObservation,
) -> Verdict {
    let what = "the origin answers the same request differently each time";
    if compare(edge, again) == Likeness::Same("body") {
        return unknown(
            "the origin gave two different answers, and the edge has one of them: perhaps not all machines of the origin have the same content"
                .to_owned(),
        );
    }
    let by_version = match same_version(origin, again) {
        Some(true) => same_version(edge, origin),
        _ => None,
    };
    match (copy_age(context, edge, origin), by_version) {
        (Some(CopyAge::Older), _) => stale(format!("{what}, but the edge's copy is older than the refresh")),
        (_, Some(false)) => {
            stale(format!("{what}, and the edge's ETag or Last-Modified is not the one that the origin keeps"))
        }
        (_, Some(true)) => {
            fresh("the edge's ETag or Last-Modified is the origin's, whose body changes each time".to_owned())
        }
        (Some(CopyAge::Younger), None) => {
            fresh(format!("the edge's copy is younger than the refresh; but {what}, so its content was not compared"))
        }
        (_, None) if lookup(edge) == CacheLookup::Miss => {
            fresh(format!("the edge fetched its answer from the origin; but {what}, so its content was not compared"))
        }
        (_, None) => unknown(format!("{what}, so it cannot be compared with the edge")),
    }
}

/// What one probe of each side shows.
fn by_one_probe(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    by_status(context, edge, origin)
        .or_else(|| by_location(context, edge, origin))
        .unwrap_or_else(|| by_content(context, edge, origin))
}

fn by_status(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Option<Verdict> {
    if origin.status >= 500 {
        return Some(unknown(format!("the origin answers {}, so there is nothing to compare", origin.status)));
    }
    if is_gone(edge.status) && is_gone(origin.status) {
        return Some(fresh(format!("the edge answers {}, as the origin does", edge.status)));
    }
    if edge.status == origin.status {
        return None;
    }
    if refuses(origin.status) {
        return Some(unknown(format!(
            "the origin refuses the probe ({}), so there is nothing to compare",
            origin.status
        )));
    }
    let statuses = format!("({}) where the origin answers {}", edge.status, origin.status);
    if edge.status >= 500 && is_copy(edge) {
        return Some(stale(format!("the edge keeps an error in its cache {statuses}")));
    }
    if edge.status >= 500 {
        return Some(unknown(format!("the edge fails {statuses}")));
    }
    if refuses(edge.status) {
        return Some(unknown(format!("the edge refuses the probe {statuses}")));
    }
    let destination = edge.location.as_deref().and_then(|location| RedirectDestination::of(context.target, location));
    if is_redirect(edge.status) && destination.is_some_and(|destination| destination.is_https_form_of(context.target)) {
        let reason = "the edge redirects http to https by itself; refresh the https URL to have it verified";
        return Some(unknown(reason.to_owned()));
    }
    Some(stale(format!("the edge answers {}, the origin {}", edge.status, origin.status)))
}

fn by_location(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Option<Verdict> {
    if !is_redirect(origin.status) {
        return None;
    }
    let destination = |side: &HttpObservation| RedirectDestination::of(context.target, side.location.as_deref()?);
    let (at_edge, at_origin) = (destination(edge)?, destination(origin)?);
    Some(if at_edge != at_origin {
        stale("the edge's Location is not the origin's".to_owned())
    } else if at_edge.leads_back_to(context.target) {
        unknown("edge and origin redirect the URL to itself, so visitors go in a circle and get no content".to_owned())
    } else {
        fresh("the edge's Location is the origin's".to_owned())
    })
}

fn by_content(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Verdict {
    match compare(edge, origin) {
        Likeness::Same(what) => fresh(format!("the edge's {what} is the origin's")),
        Likeness::Unknown(reason) => unknown(reason.to_owned()),
        Likeness::Different(difference) => match why_they_differ(edge, origin) {
            Some(reason) => unknown(format!("the bodies differ, and {reason}")),
            None => stale(difference),
        },
        Likeness::DifferentBodyWithEqual(_) if copy_age(context, edge, origin) == Some(CopyAge::Older) => {
            stale("the edge's body is not the origin's".to_owned())
        }
        Likeness::DifferentBodyWithEqual(what) => unknown(format!(
            "the bodies differ, although the edge's {what} is the origin's: the page may change with each request, or the origin kept its {what} for new content"
        )),
    }
}

/// Why two fresh responses may have different bodies. A cache hit is stored content, so this does not apply to it.
fn why_they_differ(edge: &HttpObservation, origin: &HttpObservation) -> Option<&'static str> {
    if lookup(edge) == CacheLookup::Hit {
        return None;
    }
    let says = |header: &Option<String>, words: &[&str]| {
        header.as_ref().is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
    };
    if says(&origin.cache_control, &["no-store", "private", "no-cache"]) {
        return Some("the origin forbids to keep it (Cache-Control), so each answer may be another");
    }
    says(&origin.vary, &["user-agent", "cookie", "*"]).then_some("the origin says that they vary by who asks (Vary)")
}

/// When the edge fetched its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopyAge {
    Older,
    Younger,
}

/// Both sides' clocks count whole seconds: a small difference means nothing.
const CLOCKS_APART: u64 = 2;
/// A probe may take that long from its beginning until the edge gives the age.
const PROBE_TIME: u64 = 30;

/// None: not known, or too close to the refresh to tell. An origin that sends an age of its own is a cache itself.
fn copy_age(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Option<CopyAge> {
    let (age, ended) = (edge.age.filter(|_| origin.age.is_none())?, context.ended?.as_secs());
    if age + CLOCKS_APART < ended {
        Some(CopyAge::Younger)
    } else {
        (age > ended + PROBE_TIME).then_some(CopyAge::Older)
    }
}

fn age_remark(context: ComparisonContext<'_>, edge: &HttpObservation, origin: &HttpObservation) -> Option<String> {
    let age = edge.age?;
    copy_age(context, edge, origin).map(|copy| match copy {
        CopyAge::Younger => format!(
            "the edge fetched it {age} s ago, after the refresh: the origin, or one of its machines, still gave old content then; refresh it again now"
        ),
        CopyAge::Older => format!("the edge has had it for {age} s, since before the refresh"),
    })
}

fn miss_remark(edge: &HttpObservation) -> Option<String> {
    let text = edge.cache.as_deref()?;
    // Another tier that has it is enough: the node that was asked takes it from there.
    let other_tier = text.to_ascii_lowercase().contains("hit from");
    (lookup(edge) == CacheLookup::Miss && !other_tier).then(|| {
        format!("but the edge did not have it in its cache, in spite of the prefetch (X-Cache-Lookup: {text})")
    })
}

fn lookup(edge: &HttpObservation) -> CacheLookup {
    CacheLookup::of(edge.cache.as_deref())
}

fn is_copy(edge: &HttpObservation) -> bool {
    lookup(edge) == CacheLookup::Hit || edge.age.is_some_and(|age| age > 0)
}

/// By access rules, signatures or limits that do not speak of content.
const fn refuses(status: u16) -> bool {
    matches!(status, 401 | 403 | 407 | 423 | 429)
}

const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

const fn is_gone(status: u16) -> bool {
    matches!(status, 404 | 410)
}

const fn fresh(reason: String) -> Verdict {
    Verdict { verification: Verification::Fresh, reason }
}

const fn stale(reason: String) -> Verdict {
    Verdict { verification: Verification::Stale, reason }
}

const fn unknown(reason: String) -> Verdict {
    Verdict { verification: Verification::Unknown, reason }
}
