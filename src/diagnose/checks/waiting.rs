//! Does something hold the request back, or did it end unsent?

use super::super::evidence::Evidence;
use super::super::{CurrentWait, JobContext};
use crate::diagnose::format::{argument, moment, quoted, span};
use crate::domain::{CauseId, Check, CheckId, Confidence, ItemState, WaitingReason};

pub(super) fn waiting(evidence: &Evidence) -> Check {
    let Some(request) = evidence.request() else {
        return Check::ok(CheckId::Waiting, "Nothing was asked for, so nothing waits.");
    };
    match (request.state, &request.waiting) {
        (ItemState::Cancelled, _) => ended(
            evidence,
            "It was cancelled before it was sent, so nothing was refreshed.",
            format!(
                "If it is still wanted: `refreshd refresh {} --wait`; `refreshd job {}` shows who cancelled it.",
                argument(evidence.case.target.as_str()),
                request.job
            ),
        ),
        (ItemState::Expired, _) => ended(
            evidence,
            "Its deadline passed before it could be sent, so nothing was refreshed.",
            format!("Send it again with more time: `refreshd retry {}`.", request.job),
        ),
        (ItemState::Pending, Some(hold)) => check_wait(evidence, request, hold),
        (ItemState::Pending, None) => {
            let ago = span(evidence.at.since(request.created_at));
            Check::ok(
                CheckId::Waiting,
                format!("It was accepted {ago} ago and goes with the next call; nothing holds it."),
            )
        }
        _ => Check::ok(CheckId::Waiting, "Nothing holds it back."),
    }
}

fn ended(evidence: &Evidence, seen: &str, action: String) -> Check {
    // What kept it from being sent has its own check; without one, the end itself is all there is.
    let confidence = if evidence.refusal().is_some() { Confidence::Possible } else { Confidence::Certain };
    Check::fail(CheckId::Waiting, CauseId::HeldBack, confidence, seen).act(action)
}

fn check_wait(evidence: &Evidence, request: &JobContext, hold: &CurrentWait) -> Check {
    let until = hold.until.map(|until| format!(", until {}", moment(until))).unwrap_or_default();
    let detail = quoted(&hold.detail);
    let seen = match hold.reason {
        WaitingReason::LanePaused => format!("A person has paused the lane: {detail}{until}."),
        WaitingReason::NotBefore => format!("The job says not to start before a time{until}: {detail}."),
        WaitingReason::PurgeFirst => format!("It waits for a purge that was asked for before it: {detail}{until}."),
        WaitingReason::HostParked | WaitingReason::AccountPaused | WaitingReason::Backoff
            if evidence.refusal().is_none() =>
        {
            format!("refreshd holds it back ({}): {detail}{until}.", hold.reason)
        }
        // Each of these has a check of its own.
        _ => return Check::warn(CheckId::Waiting, format!("It waits ({}): {detail}{until}.", hold.reason)),
    };
    let action = match hold.reason {
        WaitingReason::LanePaused => {
            "See who paused it and why with `refreshd lanes`, then `refreshd lanes resume ID`.".to_owned()
        }
        WaitingReason::NotBefore => {
            format!("Wait, or `refreshd cancel {}` and send it again without not_before.", request.job)
        }
        WaitingReason::PurgeFirst => {
            format!("Nothing to do: it goes when the purge has ended; `refreshd job {}` shows it.", request.job)
        }
        _ => format!("`refreshd job {}` shows what was tried and when the next attempt is.", request.job),
    };
    let by_choice =
        matches!(hold.reason, WaitingReason::LanePaused | WaitingReason::NotBefore | WaitingReason::PurgeFirst);
    let confidence = if by_choice { Confidence::Certain } else { Confidence::Possible };
    Check::fail(CheckId::Waiting, CauseId::HeldBack, confidence, seen).act(action)
}
