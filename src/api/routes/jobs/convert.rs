//! Wording what the service found as the contract has it.

use crate::api::wire::{
    CountsAnswer, ErrorAnswer, EventAnswer, EvidenceAnswer, ItemAnswer, JobAnswer, ObservedResponseAnswer,
    WaitingAnswer, WarningAnswer,
};
use crate::domain::{Failure, ObservedResponse, Timestamp, Warning};
use crate::service::{JobView, JobWait};
use crate::store::{Event, Item, ItemVerification};

pub(crate) fn job(JobView { job, waiting: reason }: JobView) -> JobAnswer {
    JobAnswer {
        id: job.id.to_string(),
        operation: job.operation.as_str().into(),
        status: job.counts.status(job.started).as_str().into(),
        counts: CountsAnswer {
            total: job.counts.total(),
            pending: job.counts.pending,
            submitted: job.counts.submitted,
            succeeded: job.counts.succeeded,
            failed: job.counts.failed,
            cancelled: job.counts.cancelled,
            expired: job.counts.expired,
        },
        merged: job.merged,
        verification: job.verification.as_str().into(),
        waiting: reason.map(waiting),
        warnings: job.warnings.into_iter().map(warning).collect(),
        retry_of: job.retry_of.map(|id| id.to_string()),
        priority: job.priority.as_str().into(),
        labels: job.labels,
        source: job.source,
        tenant: job.tenant.to_string(),
        not_before: job.not_before.map(time),
        deadline: job.deadline.map(time),
        created_at: time(job.created_at),
        finished_at: job.finished_at.map(time),
    }
}

/// Of a job's warnings, so many are in a list, with so many bytes of detail in all: a page has up to 500 jobs.
const LISTED_WARNINGS_MAX: usize = 3;
const LISTED_BYTES_MAX: usize = 1_024;
const MORE_WARNINGS: &str = "more_warnings";

/// A job among others: its first warnings, and how many more it has.
pub(crate) fn listed(view: JobView) -> JobAnswer {
    let mut answer = job(view);
    // Its own count of what was never kept is told last, and is none of those that can be looked up.
    let beyond = answer.warnings.pop_if(|last| last.code == MORE_WARNINGS);
    let mut bytes = 0;
    let fit = answer.warnings.iter().take(LISTED_WARNINGS_MAX).take_while(|warning| {
        bytes += warning.detail.len() + warning.pointer.len();
        bytes <= LISTED_BYTES_MAX
    });
    let fit = fit.count();
    let more = answer.warnings.len() - fit;
    answer.warnings.truncate(fit);
    if more == 0 {
        answer.warnings.extend(beyond);
        return answer;
    }
    let mut detail = format!("{more} more of this job's warnings are listed by GET /v1/jobs/{}", answer.id);
    if let Some(beyond) = beyond {
        detail.push_str(&format!("; beyond these, {}", beyond.detail));
    }
    answer.warnings.push(WarningAnswer { code: MORE_WARNINGS.to_owned(), detail, pointer: String::new() });
    answer
}

pub(crate) fn item(item: &Item) -> ItemAnswer {
    ItemAnswer {
        target: item.target.to_string(),
        kind: item.target.kind().to_string(),
        operation: item.operation.to_string(),
        state: item.state.to_string(),
        attempts: item.attempts,
        task_id: item.task_id.clone(),
        request_id: item.request_id.clone(),
        error: item.failure.as_ref().map(error),
        verification: item.verification.to_string(),
        seen: item.seen.as_ref().map(seen),
    }
}

fn seen(seen: &ItemVerification) -> EvidenceAnswer {
    EvidenceAnswer {
        at: time(seen.at),
        reason: seen.reason.clone(),
        origin: seen.proof.as_ref().map(|proof| side(&proof.origin)),
        edges: seen.proof.iter().flat_map(|proof| &proof.edges).map(side).collect(),
    }
}

fn side(side: &ObservedResponse) -> ObservedResponseAnswer {
    let look = &side.look;
    let prefix = |hash: [u8; 32]| hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    ObservedResponseAnswer {
        at: time(side.at),
        address: side.address.map(|address| address.to_string()),
        status: look.status,
        etag: look.etag.clone(),
        last_modified: look.last_modified.clone(),
        length: look.length,
        body_sha256: look.body_sha256.map(prefix),
        content_encoding: look.encoding.clone(),
        cache_control: look.cache_control.clone(),
        age: look.age,
        cache: look.cache.clone(),
        log_id: look.edge_log_id.clone(),
    }
}

pub(crate) fn event(event: &Event) -> EventAnswer {
    EventAnswer {
        seq: event.seq,
        at: time(event.at),
        kind: event.kind.to_string(),
        message: event.message.clone(),
        items: event.items,
        submission: event.submission.map(|id| id.0),
        task_id: event.task_id.clone(),
        error: event.failure.as_ref().map(error),
    }
}

fn waiting(waiting: JobWait) -> WaitingAnswer {
    WaitingAnswer {
        reason: waiting.why.reason.as_str().into(),
        detail: waiting.why.detail,
        until: waiting.why.until.map(time),
        ahead: waiting.ahead,
    }
}

pub(crate) fn warning(Warning { code, detail, pointer }: Warning) -> WarningAnswer {
    WarningAnswer { code, detail, pointer }
}

fn error(failure: &Failure) -> ErrorAnswer {
    ErrorAnswer {
        class: failure.class.to_string(),
        code: failure.code.clone(),
        message: failure.message.clone(),
        advice: failure.advice().to_owned(),
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn time(moment: Timestamp) -> String {
    // Moments come from our own clock or were parsed from RFC 3339, so all of them can be written that way.
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{moment:.3}")
}
