//! Does the edge serve what the origin serves?

use super::super::JobContext;
use super::super::evidence::{Evidence, Freshness, compare};
use crate::diagnose::format::{argument, http_date, span};
use crate::domain::{CacheLookup, CauseId, Check, CheckId, Confidence, Mode, Verification};
use crate::probe::HttpResult;

pub(super) fn edge_freshness(evidence: &Evidence) -> Check {
    let pages = &evidence.guide.pages;
    if let Some(check) = evidence.request().and_then(|request| not_newer(evidence, request)) {
        return check;
    }
    match evidence.freshness() {
        Freshness::Fresh(what) => {
            let then = match evidence.request().map(|request| request.verification) {
                Some(Verification::Stale) => " It was seen stale after the job, and is fresh by now.",
                _ => " An old page in a browser is then the browser's own copy: reload without cache.",
            };
            Check::ok(CheckId::EdgeFreshness, format!("The edge serves what the origin serves ({what}).{then}"))
        }
        Freshness::Old(what) => old(evidence, &what),
        Freshness::Unlike(what) => Check::warn(
            CheckId::EdgeFreshness,
            format!("The edge fetched it just now, and still it is not what the origin gave to refreshd: {what}."),
        ),
        Freshness::Unknown(because) => match evidence.request() {
            Some(request) if request.verification == Verification::Stale => {
                let seen =
                    format!("After the job the edge was seen stale; it cannot be looked at again now: {because}.");
                Check::fail(CheckId::EdgeFreshness, CauseId::EdgeStale, Confidence::Possible, seen)
                    .act(again(evidence))
                    .page(pages.stale)
            }
            _ => Check::unknown(CheckId::EdgeFreshness, format!("Not to be told: {because}.")),
        },
    }
}

fn old(evidence: &Evidence, what: &str) -> Check {
    let id = CheckId::EdgeFreshness;
    let page = evidence.guide.pages.stale;
    let text = match evidence.old_at_other_edge() {
        Some(other) if other == what => format!("One of the edges serves an old copy, {what}."),
        _ => format!("The edge serves an old copy: {what}{}{}.", source(evidence), age(evidence)),
    };
    let Some(request) = evidence.request() else {
        return Check::fail(id, CauseId::EdgeStale, Confidence::Likely, text).act(again(evidence)).page(page);
    };
    if evidence.origin_was_late().is_some() {
        return Check::warn(id, format!("{text} The refresh did its work; this copy came from the origin after it."));
    }
    if !request.state.is_final() {
        return Check::warn(id, format!("{text} The refresh has not ended yet."))
            .hints_at(CauseId::EdgeStale)
            .act(format!("`refreshd watch {}`", request.job));
    }
    let usual = evidence.guide.typical_duration(request.operation).usual;
    let since = request.finished_at.map(|finished| evidence.at.since(finished));
    match since.filter(|since| evidence.succeeded() && *since < usual) {
        Some(since) => {
            Check::warn(id, format!("{text} The refresh ended {} ago; nodes may take {}.", span(since), span(usual)))
                .hints_at(CauseId::EdgeStale)
                .act(format!(
                    "Look again in a few minutes with `refreshd diagnose {}`.",
                    argument(evidence.case.target.as_str())
                ))
                .page(page)
        }
        None => Check::fail(id, CauseId::EdgeStale, Confidence::Likely, text).act(again(evidence)).page(page),
    }
}

/// The one change that an invalidating purge cannot see: a node asks for what is newer than its copy.
fn not_newer(evidence: &Evidence, request: &JobContext) -> Option<Check> {
    let edge = evidence
        .edge_answer()
        .filter(|_| request.mode == Some(Mode::Invalidate) && !evidence.origin_changes_by_itself())?;
    let date = |look: &HttpResult| http_date(&look.header("last-modified")?);
    let (of_copy, differs) = (date(edge)?, |origin: &&HttpResult| {
        edge.status == origin.status && matches!(compare(edge, origin), Some(Err(_)))
    });
    let of_origin = evidence.origin_answers().filter(differs).find_map(date).filter(|date| *date <= of_copy)?;
    let what = if of_origin == of_copy { "Last-Modified did not" } else { "has an older Last-Modified than the copy" };
    let seen = format!(
        "The purge was of mode \"invalidate\", which asks by Last-Modified; the content changed and {what}, so the old copy stays."
    );
    let check = Check::fail(CheckId::EdgeFreshness, CauseId::LastModifiedUnchanged, Confidence::Likely, seen).act(
        "Purge it with mode delete (the default of `refreshd purge --dir`), and let releases set a new Last-Modified.",
    );
    Some(check.page(evidence.guide.pages.purge))
}

fn again(evidence: &Evidence) -> String {
    let target = argument(evidence.case.target.as_str());
    match evidence.request() {
        None => format!("`refreshd refresh {target} --wait`."),
        Some(request) => format!(
            "`refreshd refresh {target} --wait`; if it stays old, open a ticket with `refreshd diagnose {} --bundle FILE`.",
            request.job
        ),
    }
}

fn source(evidence: &Evidence) -> &'static str {
    match evidence.edge_answer().map(|look| evidence.source(look)) {
        Some(CacheLookup::Hit) => ", from its cache",
        _ => "",
    }
}

fn age(evidence: &Evidence) -> String {
    let Some(copied) = evidence.copied_at() else { return String::new() };
    let age = span(evidence.at.since(copied));
    match evidence.request().and_then(|request| request.finished_at) {
        Some(finished) if copied < finished => format!(", made {age} ago, before the refresh ended"),
        Some(_) => format!(", made {age} ago, after the refresh"),
        None => format!(", made {age} ago"),
    }
}
