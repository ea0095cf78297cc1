//! Was it the right request: its form, its operation, its area?

use super::super::evidence::{Evidence, Freshness};
use crate::diagnose::format::{argument, quoted};
use crate::diagnose::near_target::{NearRelation, NearTarget};
use crate::diagnose::path_rules::extension;
use crate::domain::{Area, CauseId, Check, CheckId, Confidence, ItemOperation, Operation, TargetKind};
use crate::provider::ServedArea;

pub(super) fn request(evidence: &Evidence) -> Check {
    let pages = &evidence.guide.pages;
    let Some(request) = evidence.request() else { return unasked(evidence) };
    if let Some(failure) = evidence.refused_for(&[CauseId::WrongRequest]) {
        let seen = format!("The provider refused the request: {} ({}).", failure.code, quoted(&failure.message));
        let action = form_action(&failure.code, request.operation);
        return Check::fail(CheckId::Request, CauseId::WrongRequest, Confidence::Certain, seen)
            .act(action)
            .page(pages.errors);
    }
    if let Some(check) = lone_prefetch(evidence) {
        return check;
    }
    if let Some(check) = wrong_kind(evidence) {
        return check;
    }
    Check::ok(CheckId::Request, format!("A {} of {}, as it should be written.", request.operation, named(request.kind)))
}

fn named(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Url => "one URL (this object only, nothing below it)",
        TargetKind::Directory => "a directory (everything below it)",
    }
}

fn unasked(evidence: &Evidence) -> Check {
    let host = evidence.host();
    if evidence.case.circumstances.account.is_none() {
        let seen = format!("No route leads from {host} to an account, so refreshd cannot refresh it.");
        return Check::fail(CheckId::Request, CauseId::WrongRequest, Confidence::Certain, seen).act(format!(
            "Add {{ host = \"{host}\", account = … }} to routes in refreshd's configuration, or correct the host."
        ));
    }
    if let Some(NearTarget { job, named, how: NearRelation::FolderAsUrl }) = &evidence.case.near
        && matches!(evidence.freshness(), Freshness::Old(_))
    {
        let seen = format!(
            "No job named this target. Job {job} refreshed {} as a URL, which is that page only and nothing below it.",
            quoted(named.as_str())
        );
        let home = without_path(named.as_str());
        let action = match home {
            true => format!(
                "Refresh exactly this URL: `refreshd refresh {} --wait`.",
                argument(evidence.case.target.as_str())
            ),
            false => {
                format!("If everything below is meant: `refreshd purge --dir {} --wait`.", argument(named.as_str()))
            }
        };
        // Of the home page people mostly mean the page; of a folder mostly all below it.
        let cause = if home { CauseId::WrongCacheKey } else { CauseId::WrongRequest };
        return Check::fail(CheckId::Request, cause, Confidence::Likely, seen)
            .act(action)
            .page(evidence.guide.pages.purge);
    }
    Check::ok(CheckId::Request, "No job of refreshd named this target lately; what follows is how it stands now.")
}

fn without_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.find('/') == Some(rest.len() - 1))
}

fn form_action(code: &str, operation: ItemOperation) -> String {
    let rest = match code {
        code if code.contains("Wildcard") => "Name each host by itself; a wildcard host cannot be refreshed.",
        code if code.contains("Length") => "Shorten the URL, or refresh the directory above it.",
        code if code.contains("HostInvalidParam") => "Correct the host of the target.",
        _ => {
            "Check that the URL is spelt as visitors use it and that the job's area is one that the domain is served in"
        }
    };
    match rest.ends_with('.') {
        true => rest.to_owned(),
        false => format!("{rest}, then `refreshd {operation}` it again."),
    }
}

/// What is cached and has not expired is not fetched again by a prefetch.
fn lone_prefetch(evidence: &Evidence) -> Option<Check> {
    let request = evidence.request().filter(|request| request.input == Operation::Prefetch)?;
    let Freshness::Old(what) = evidence.freshness() else { return None };
    if !request.state.is_final() || !evidence.succeeded() {
        return None;
    }
    let seen = format!("A prefetch alone keeps a copy that has not expired, and the edge's is old: {what}.");
    let action =
        format!("Drop the old copy first: `refreshd refresh {} --wait`.", argument(evidence.case.target.as_str()));
    let check = Check::fail(CheckId::Request, CauseId::WrongRequest, Confidence::Likely, seen);
    Some(check.act(action).page(evidence.guide.pages.prefetch))
}

/// The folder that a purged URL without a slash at its end redirects to.
fn folder_of(evidence: &Evidence) -> Option<String> {
    let request = evidence.request().filter(|request| request.kind == TargetKind::Url)?;
    let to = &evidence.moved.as_ref().filter(|_| request.operation == ItemOperation::Purge)?.to;
    // An old copy behind the redirect is the page that was meant.
    let is_page = matches!(evidence.freshness(), Freshness::Old(_));
    (!is_page && to.as_str() == format!("{}/", request.named)).then(|| to.as_str().to_owned())
}

fn wrong_kind(evidence: &Evidence) -> Option<Check> {
    let request = evidence.request()?;
    let target = &evidence.case.target;
    let path = target.as_str().split('?').next().unwrap_or_default();
    let missing = evidence.origin_answers().next().is_some_and(|look| [403, 404, 410].contains(&look.status));
    if let Some(folder) = folder_of(evidence) {
        let seen = format!(
            "It was refreshed as a URL, which is that one object only; it is the folder {}, and what lies below was not touched.",
            quoted(&folder)
        );
        let check = Check::fail(CheckId::Request, CauseId::WrongRequest, Confidence::Likely, seen);
        return Some(
            check.act(format!("`refreshd purge --dir {} --wait`.", argument(&folder))).page(evidence.guide.pages.purge),
        );
    }
    let (seen, action) = match request.kind {
        TargetKind::Url if path.ends_with('/') && missing && request.operation == ItemOperation::Purge => (
            "It was refreshed as a URL, which is the page of that name only, and the origin has no such page; what lies below was not touched.",
            format!("If everything below is meant: `refreshd purge --dir {} --wait`.", argument(target.as_str())),
        ),
        TargetKind::Directory
            if path.ends_with('/')
                && missing
                && extension(path.trim_end_matches('/')).is_some_and(|end| end.len() <= 5) =>
        {
            (
                "It was purged as a directory, but its name is that of a file, and the origin has nothing of that name with a slash at its end.",
                format!("If the file is meant: `refreshd refresh {} --wait`.", argument(path.trim_end_matches('/'))),
            )
        }
        _ => return None,
    };
    let check = Check::fail(CheckId::Request, CauseId::WrongRequest, Confidence::Likely, seen);
    Some(check.act(action).page(evidence.guide.pages.purge))
}

pub(super) fn area(evidence: &Evidence) -> Check {
    let pages = &evidence.guide.pages;
    let Some(served) = evidence.facts().and_then(|facts| facts.area.as_ref()) else {
        return Check::unknown(CheckId::Area, "The provider did not tell in which area the domain is served.");
    };
    let Some(request) = evidence.request() else {
        return Check::ok(CheckId::Area, format!("The domain is served in area {served}."));
    };
    let input = request.area.filter(|area| *area != Area::Own);
    let (Some(query), Some(entry)) = (input, part(served)) else {
        return Check::ok(
            CheckId::Area,
            format!("The domain is served in area {served}, and the request was for all of it."),
        );
    };
    if query == entry {
        return Check::ok(
            CheckId::Area,
            format!("The domain is served in area {served}, which is what was asked for."),
        );
    }
    let action =
        format!("Repeat it without `area`: `refreshd refresh {} --wait`.", argument(evidence.case.target.as_str()));
    if entry == Area::Global {
        let other = if query == Area::Mainland { Area::Overseas } else { Area::Mainland };
        let seen = format!(
            "Only area {query} was refreshed; the domain is served in {served} too, so {other} keeps its copies."
        );
        return Check::warn(CheckId::Area, seen).hints_at(CauseId::WrongRequest).act(action).page(pages.purge);
    }
    let seen = format!("The request was for area {query}, but the domain is served in {served} only.");
    if query == Area::Global {
        return Check::warn(CheckId::Area, seen).hints_at(CauseId::WrongRequest).act(action).page(pages.purge);
    }
    Check::fail(CheckId::Area, CauseId::WrongRequest, Confidence::Likely, seen).act(action).page(pages.purge)
}

fn part(served: &ServedArea) -> Option<Area> {
    match served {
        ServedArea::Mainland => Some(Area::Mainland),
        ServedArea::Overseas => Some(Area::Overseas),
        ServedArea::Global => Some(Area::Global),
        ServedArea::Other(_) => None,
    }
}
