//! Wording a diagnosis as the contract has it, and bounding what is kept of it.

use super::bundle::{redact, utc};
use super::wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer, DiagnosisRecord, StoredAttachment, SubjectAnswer};
use crate::domain::{Attachment, Cause, Check, CheckId, Diagnosis, DiagnosisId, JobId, Subject};

/// The longest text of a piece of evidence, and how many pieces are kept: a tenth of a megabyte each is more than support
/// reads.
const EXHIBIT_BYTES_MAX: usize = 100_000;
const EXHIBITS_MAX: usize = 40;

impl DiagnosisRecord {
    /// `evidence` comes before what the diagnosis itself brought; `job` is the one that was looked into, if one was.
    #[must_use]
    pub fn new(id: DiagnosisId, job: Option<JobId>, diagnosis: &Diagnosis, evidence: &[Attachment]) -> Self {
        let evidence = evidence.iter().chain(&diagnosis.evidence).take(EXHIBITS_MAX);
        let job = job.map(|job| job.to_string());
        Self { answer: to_answer(id, diagnosis), evidence: evidence.map(record).collect(), job }
    }
}

fn to_answer(id: DiagnosisId, diagnosis: &Diagnosis) -> DiagnosisAnswer {
    DiagnosisAnswer {
        id: id.to_string(),
        subject: subject(&diagnosis.subject),
        target: diagnosis.target.as_ref().map(ToString::to_string),
        causes: diagnosis.causes.iter().map(cause).collect(),
        checks: diagnosis.checks.iter().map(check).collect(),
        started_at: utc(diagnosis.started_at),
        ended_at: utc(diagnosis.ended_at),
        cut_short: diagnosis.cut_short,
    }
}

fn subject(subject: &Subject) -> SubjectAnswer {
    let none = SubjectAnswer::default();
    match subject {
        Subject::Job(id) => SubjectAnswer { job: Some(id.to_string()), ..none },
        Subject::Url(target) => SubjectAnswer { url: Some(target.to_string()), ..none },
        Subject::Host(host) => SubjectAnswer { host: Some(host.clone()), ..none },
    }
}

fn cause(cause: &Cause) -> CauseAnswer {
    let names = |checks: &[CheckId]| checks.iter().map(ToString::to_string).collect();
    CauseAnswer {
        id: cause.id.to_string(),
        confidence: cause.confidence.to_string(),
        summary: cause.summary.clone(),
        action: cause.action.clone(),
        checks: names(&cause.checks),
        against: names(&cause.against),
    }
}

fn check(check: &Check) -> CheckAnswer {
    CheckAnswer {
        id: check.id.to_string(),
        result: check.result.to_string(),
        seen: check.seen.clone(),
        action: check.action.clone(),
        confidence: check.confidence.to_string(),
        cause: check.cause.map(|cause| cause.to_string()),
        page: check.page.map(str::to_owned),
    }
}

fn record(attachment: &Attachment) -> StoredAttachment {
    let mut text = redact(&attachment.text);
    if text.len() > EXHIBIT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(EXHIBIT_BYTES_MAX));
        text.push_str("\n(cut off here)\n");
    }
    StoredAttachment { name: attachment.name.clone(), text }
}
