//! Does the origin itself serve what was released? The CDN can be no fresher than what it is given.

use std::time::Duration;

use super::super::evidence::{Evidence, Freshness, answer, compare};
use super::super::late_release::LateOrigin;
use super::origin::place;
use crate::diagnose::format::{argument, moment, span};
use crate::domain::{CauseId, Check, CheckId, Confidence, ItemOperation, TargetKind, Timestamp};
use crate::probe::ProbeResult;

/// Content that was last changed so long before its refresh is hardly what the refresh was for.
const LONG_BEFORE: Duration = Duration::from_secs(24 * 60 * 60);
/// Builds that set all dates alike choose one that no release has: before 2000.
const NO_RELEASE_BEFORE: Timestamp = Timestamp::from_millis(946_684_800_000);

pub(super) fn origin_freshness(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.stale;
    let fail = |seen: String| Check::fail(CheckId::OriginFreshness, CauseId::OriginStale, Confidence::Likely, seen);
    let Ok(origins) = &evidence.origins else {
        return Check::unknown(CheckId::OriginFreshness, "The origin was not seen, so neither was its content.");
    };
    if evidence.origin_answers().next().is_none() {
        return Check::unknown(CheckId::OriginFreshness, "The origin gave no content to judge.");
    }
    if let Some((one, other, what)) = disagreeing(origins) {
        let seen = format!("The origins {} and {} serve different content: {what}.", place(one), place(other));
        return fail(seen).act("Finish the release on every origin, then `refreshd refresh` the URL again.").page(page);
    }
    if let Some((older, newer)) = evidence.versions_of_origin() {
        let seen = format!(
            "Asked twice for the same URL, the origin gave two versions, of {} and of {}: its machines do not have the same content.",
            moment(older),
            moment(newer)
        );
        return fail(seen)
            .act("Finish the release on every machine of the origin, then `refreshd refresh` the URL again.")
            .page(page);
    }
    if let Some(copied) = own_copy_from(evidence) {
        let seen = format!(
            "The origin answers from a cache of its own, with a copy made {} before the refresh.",
            span(copied)
        );
        return fail(seen)
            .act("Clear the cache in front of the origin first, then `refreshd refresh` the URL again.")
            .page(page);
    }
    let content = evidence.edge_answer().is_some_and(|look| look.status < 400);
    if let Freshness::Unlike(what) = evidence.freshness()
        && content
    {
        return unlike(evidence, &what);
    }
    if let (Freshness::Old(what), Some(late)) = (evidence.freshness(), evidence.origin_was_late()) {
        return released_late(evidence, &what, late).page(page);
    }
    let changed = evidence.origin_changed_at().filter(|at| *at > NO_RELEASE_BEFORE);
    let context = evidence.request().filter(|request| {
        // Of a directory that is purged as a whole, most pages did not change.
        let is_one_object = request.kind == TargetKind::Url;
        is_one_object && evidence.succeeded() && request.operation == ItemOperation::Purge
    });
    match (changed, context, evidence.freshness()) {
        (Some(changed), Some(request), Freshness::Fresh(_)) if changed + LONG_BEFORE < request.created_at => {
            let seen = format!(
                "Edge and origin serve the same content, which the origin last changed on {}, {} before the refresh.",
                moment(changed),
                span(request.created_at.since(changed))
            );
            Check::warn(CheckId::OriginFreshness, seen)
                .hints_at(CauseId::OriginStale)
                .act("If newer content was expected, it has not reached the origin: check the release there, then refresh again.")
                .page(page)
        }
        (Some(changed), ..) => Check::ok(
            CheckId::OriginFreshness,
            format!("The origin's content was last changed on {}.", moment(changed)),
        ),
        (None, ..) => Check::ok(CheckId::OriginFreshness, "The origin serves content, and does not tell since when."),
    }
}

/// The refresh ran before the release had reached the origin: waiting does not help.
fn released_late(evidence: &Evidence, what: &str, late: LateOrigin) -> Check {
    let seen = match late {
        LateOrigin::CopiedAfter(after) => format!(
            "The edge fetched its copy {} after the refresh had ended, and it is not what the origin serves now ({what}): the origin, or one of its machines, still gave old content then.",
            span(after)
        ),
        LateOrigin::ChangedSinceSeenFresh => format!(
            "After the refresh the edge served what the origin served then; the origin serves other content now ({what}), so it was released after the refresh."
        ),
    };
    let target = argument(evidence.case.target.as_str());
    Check::fail(CheckId::OriginFreshness, CauseId::OriginStale, Confidence::Likely, seen).act(format!(
        "`refreshd refresh {target} --wait` now that the origin has the release; in deployments, refresh only when every machine of the origin has it."
    ))
}

/// The CDN's own pull, this very moment, brought something else than the origin gave us.
fn unlike(evidence: &Evidence, what: &str) -> Check {
    let varies = evidence.origin_answers().any(|look| {
        let control = look.header("cache-control").unwrap_or_default().to_ascii_lowercase();
        control.contains("no-store") || control.contains("private") || look.header("set-cookie").is_some()
    });
    let id = CheckId::OriginFreshness;
    if varies {
        return Check::ok(id, format!("The page is made anew for each request, so two answers differ: {what}."));
    }
    let seen = format!("What the CDN just fetched is not what the origin gives to refreshd: {what}.");
    Check::fail(id, CauseId::OriginStale, Confidence::Possible, seen)
        .act("Check that all origins serve the same release and that the CDN asks the one you mean (console: CDN > Domain Management > Origin Configuration).")
        .page(evidence.guide.pages.stale)
}

fn disagreeing(origins: &[ProbeResult]) -> Option<(&ProbeResult, &ProbeResult, String)> {
    let mut answering = origins.iter().filter(|origin| answer(origin).is_some_and(|look| look.status < 500));
    let first = answering.next()?;
    answering.find_map(|other| match compare(answer(first)?, answer(other)?) {
        Some(Err(_)) => {
            let message = |origin: &ProbeResult| answer(origin).map_or(0, |look| look.body_bytes);
            Some((first, other, format!("{} and {} bytes", message(first), message(other))))
        }
        _ => None,
    })
}

/// How long before the refresh the origin's own cache made its copy, if it says so.
fn own_copy_from(evidence: &Evidence) -> Option<Duration> {
    let request = evidence.request().filter(|_| evidence.succeeded())?;
    let origins = evidence.origins.as_ref().ok()?;
    let (at, age) = origins.iter().find_map(|origin| {
        let age: u64 = answer(origin)?.header("age")?.trim().parse().ok()?;
        Some((origin.at, Duration::from_secs(age)))
    })?;
    let copied = at - age;
    (copied + Duration::from_secs(60) < request.created_at).then(|| request.created_at.since(copied))
}
