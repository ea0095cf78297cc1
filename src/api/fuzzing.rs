//! What holds of any bytes that are posted as a job, up to the store: a refusal says where and why, and what is
//! accepted is what was written. `fuzz/` tries it on what it finds, the tests on the corpus.

use serde_json::Value;

use super::body;
use super::problem::ApiError;
use super::routes::jobs::job_input;
use super::wire::JobBody;
use crate::domain::fuzzing::assert_as_written;
use crate::domain::{AccountName, JobRequest, Routes, Target, TargetKind, Timestamp};
use crate::service::{self, InputError};

/// 2026-11-22 10:00:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// Holds the law for a body. Returns whether the job was accepted.
///
/// # Panics
/// If the law is broken.
pub fn job_body(bytes: &[u8]) -> bool {
    let written = serde_json::from_slice::<Value>(bytes);
    match understood(bytes) {
        Ok(request) => {
            assert_kept(&written.expect("what is accepted is JSON"), &request);
            true
        }
        Err(ApiError::Malformed(detail)) => {
            assert!(!detail.is_empty() && written.is_err(), "refused as no JSON, which it is: {detail}");
            false
        }
        Err(ApiError::Invalid(faults)) => {
            assert!(!faults.is_empty(), "refused without a fault");
            let written = written.ok();
            faults.iter().for_each(|fault| assert_names_a_place(written.as_ref(), fault));
            false
        }
        Err(other) => panic!("no body can cause {other:?}"),
    }
}

/// What `POST /v1/jobs` makes of a body before it asks the store.
fn understood(bytes: &[u8]) -> Result<JobRequest, ApiError> {
    let mut routes = Routes::default();
    routes.add("*.example.com".parse().expect("a pattern"), AccountName::new("main"));
    let body: JobBody = body::parse(bytes)?;
    service::understand(&job_input(body), &routes, NOW).map_err(ApiError::Invalid)
}

/// The pointer leads into the body: at least its first step, for the same key may be there twice.
fn assert_names_a_place(written: Option<&Value>, fault: &InputError) {
    let InputError { pointer, code, detail } = fault;
    assert!(!code.is_empty() && !detail.is_empty(), "{pointer:?} is refused without a word");
    assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer:?} is no JSON Pointer");
    let Some(Value::Object(fields)) = written else { return };
    if let Some(step) = pointer.split('/').nth(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        assert!(fields.contains_key(&key), "{pointer:?} ({code}) leads nowhere");
    }
}

fn assert_kept(written: &Value, request: &JobRequest) {
    assert!(written.is_object(), "a job is an object, not {written}");
    let word = |field: &str| written[field].as_str();
    assert_eq!(word("operation"), Some(request.operation.as_str()));
    assert_eq!(word("mode").unwrap_or("delete"), request.mode.as_str());
    assert_eq!(word("area").unwrap_or("own"), request.area.as_str());
    assert_eq!(word("priority").unwrap_or("normal"), request.priority.as_str());
    assert_eq!(word("source"), request.source.as_deref());
    assert_eq!(written["verify"].as_bool().unwrap_or(true), request.verify);
    assert_eq!(word("not_before").is_some(), request.not_before.is_some());
    assert_eq!(word("deadline").is_some(), request.deadline.is_some());
    assert!(request.deadline.is_none_or(|deadline| deadline > NOW && Some(deadline) > request.not_before));
    let labels = written["labels"].as_object().cloned().unwrap_or_default();
    let text = request.labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    assert_eq!(labels, text);
    let merged =
        [(TargetKind::Url, "urls", &request.urls), (TargetKind::Directory, "directories", &request.directories)]
            .map(|(kind, field, targets)| assert_targets(kind, &written[field], targets));
    assert_eq!(merged.iter().sum::<usize>(), request.merged as usize);
    assert!(!request.urls.is_empty() || !request.directories.is_empty(), "a job of nothing");
}

/// Each written target is kept once, in the order of its first writing. Returns how many were equal to another.
fn assert_targets(kind: TargetKind, written: &Value, targets: &[Target]) -> usize {
    let written: Vec<&str> = written.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut next = targets.iter();
    for (index, raw) in written.iter().enumerate() {
        let target = Target::parse(kind, raw).expect("one of what was accepted");
        assert_as_written(kind, raw, &target);
        let seen = written[..index].iter().any(|earlier| Target::parse(kind, earlier).as_ref() == Ok(&target));
        assert!(seen || next.next() == Some(&target), "{raw:?} is not kept at its place");
    }
    assert_eq!(next.next(), None, "kept, but never written");
    written.len() - targets.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_a_body_is_kept_as_written_or_refused_with_a_place() {
        let samples = crate::corpus::samples("job_body");
        let accepted = samples.iter().filter(|sample| job_body(sample)).count();
        assert!(accepted > 0 && accepted < samples.len(), "{accepted} accepted: one side was never tried");
    }
}
