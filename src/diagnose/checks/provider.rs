//! What became of it at the provider: task, codes, times, our attempts.

use super::super::evidence::Evidence;
use super::super::{CurrentWait, JobContext};
use crate::diagnose::format::{moment, quoted, span};
use crate::domain::{CauseId, Check, CheckId, Confidence, ErrorClass, Failure, ItemState, WaitingReason};

pub(super) fn provider(evidence: &Evidence) -> Check {
    let page = evidence.guide.pages.errors;
    let Some(request) = evidence.request() else {
        return Check::ok(CheckId::Provider, "Nothing was sent for this target lately.");
    };
    if let Some(failure) = evidence.refused_for(&[CauseId::ProviderFailed, CauseId::ProviderSlow]) {
        return failed(evidence, request, &failure);
    }
    if evidence.refusal().is_some() {
        return Check::ok(CheckId::Provider, "The provider answered; what it refused stands above.");
    }
    if let Some(check) = request.waiting.as_ref().filter(|_| evidence.is_open()).and_then(|hold| check_wait(hold, page))
    {
        return check;
    }
    if request.state == ItemState::Submitted {
        return running(evidence, request);
    }
    match (request.state, &request.task_id) {
        (ItemState::Succeeded, Some(task)) => {
            let ended = request.finished_at.map(|at| format!(" on {}", moment(at))).unwrap_or_default();
            Check::ok(CheckId::Provider, format!("The provider says that task {task} is done{ended}."))
        }
        (ItemState::Succeeded, None) => Check::ok(CheckId::Provider, "The provider says that it is done."),
        (_, None) => Check::ok(CheckId::Provider, "Nothing was sent to the provider yet."),
        (_, Some(task)) => Check::ok(CheckId::Provider, format!("The provider reported no failure of task {task}.")),
    }
}

fn check_wait(hold: &CurrentWait, page: &'static str) -> Option<Check> {
    let seen = match hold.reason {
        WaitingReason::Outage => format!("The provider's API fails: {}.", quoted(&hold.detail)),
        WaitingReason::Reconciling => format!(
            "An answer was lost, and the provider's task list is asked before anything is sent again: {}.",
            quoted(&hold.detail)
        ),
        _ => return None,
    };
    let action = "Nothing to do: it goes on by itself. If it lasts, look at the provider's status page and at this machine's way to its API.";
    let check = Check::fail(CheckId::Provider, CauseId::ProviderFailed, Confidence::Certain, seen);
    Some(check.act(action).page(page))
}

fn failed(evidence: &Evidence, request: &JobContext, failure: &Failure) -> Check {
    let ids = ids(request, failure);
    let (cause, sure, seen) = match failure.class {
        ErrorClass::ProviderTimeout => (
            CauseId::ProviderSlow,
            Confidence::Certain,
            format!("The provider's task did not end in time{}{ids}.", ran(evidence, request)),
        ),
        ErrorClass::Lost => (
            CauseId::ProviderFailed,
            Confidence::Likely,
            format!("The provider's answer was lost ({}){ids}.", failure.code),
        ),
        ErrorClass::Internal => (
            CauseId::ProviderFailed,
            Confidence::Possible,
            format!(
                "The provider does not understand refreshd's call: {} ({}){ids}.",
                failure.code,
                quoted(&failure.message)
            ),
        ),
        _ if is_row(failure) => (
            CauseId::ProviderFailed,
            Confidence::Likely,
            format!("The provider's task ended as failed, without a reason{ids}."),
        ),
        _ => (
            CauseId::ProviderFailed,
            Confidence::Certain,
            format!("The provider failed: {} ({}){ids}.", failure.code, quoted(&failure.message)),
        ),
    };
    let action = match failure.class {
        ErrorClass::Internal => "Update refreshd, or report this with the daemon's log at this time.".to_owned(),
        _ if request.state.is_final() => format!(
            "`refreshd retry {job}`; if it fails again, open a ticket with `refreshd diagnose {job} --bundle FILE`.",
            job = request.job
        ),
        _ => "Nothing to do yet: refreshd tries again by itself; look at the provider's status page if it lasts."
            .to_owned(),
    };
    Check::fail(CheckId::Provider, cause, sure, seen).act(action).page(evidence.guide.pages.errors)
}

/// The word of a task's row, which names no reason.
pub(crate) fn is_row(failure: &Failure) -> bool {
    failure.class == ErrorClass::Outage && failure.code == "fail"
}

fn ids(request: &JobContext, failure: &Failure) -> String {
    let task = request.task_id.as_ref().map(|id| format!("task {id}"));
    let call = failure.request_id.as_ref().or(request.request_id.as_ref()).map(|id| format!("request {id}"));
    let ids: Vec<String> = task.into_iter().chain(call).collect();
    if ids.is_empty() { String::new() } else { format!("; {}", ids.join(", ")) }
}

fn ran(evidence: &Evidence, request: &JobContext) -> String {
    let Some(since) = request.submitted_at else { return String::new() };
    let until = request.finished_at.unwrap_or(evidence.at);
    format!(" ({})", span(until.since(since)))
}

fn running(evidence: &Evidence, request: &JobContext) -> Check {
    let course = evidence.guide.typical_duration(request.operation);
    let pages = &evidence.guide.pages;
    let page = match request.operation {
        crate::domain::ItemOperation::Purge => pages.purge,
        crate::domain::ItemOperation::Prefetch => pages.prefetch,
    };
    let task = request.task_id.as_deref().unwrap_or("-");
    let runs = evidence.at.since(request.submitted_at.unwrap_or(request.created_at));
    let text = format!(
        "Task {task} has been running for {}; a {} usually takes {}.",
        span(runs),
        request.operation,
        span(course.usual)
    );
    let watch = format!("Wait with `refreshd watch {}`.", request.job);
    if runs > course.alarm {
        return Check::fail(CheckId::Provider, CauseId::ProviderSlow, Confidence::Likely, text)
            .act(format!("Open a ticket with the provider and name the task; `refreshd diagnose {} --bundle FILE` has all of it.", request.job))
            .page(page);
    }
    if runs > course.usual {
        return Check::warn(CheckId::Provider, text).hints_at(CauseId::ProviderSlow).act(watch).page(page);
    }
    Check::ok(CheckId::Provider, text).act(watch)
}
