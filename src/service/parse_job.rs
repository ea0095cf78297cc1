//! Understanding a job: from the words of a body to valid, distinct targets, or every fault at once.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::str::FromStr;

use crate::domain::{Area, JobRequest, Mode, Operation, Priority, Routes, Target, TargetKind, Timestamp};
use crate::offload::LARGE_JOB_TARGETS;

/// Targets in one job, before equal ones are merged.
pub const TARGETS_MAX: usize = 100_000;
/// Faults named in one answer; more are only counted.
pub const FAULTS_MAX: usize = 1_000;
const LABELS_MAX: usize = 16;
const LABEL_KEY_BYTES_MAX: usize = 64;
const LABEL_VALUE_BYTES_MAX: usize = 256;
const SOURCE_BYTES_MAX: usize = 256;

/// A job as a body words it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobInput {
    pub operation: String,
    pub urls: Vec<String>,
    pub directories: Vec<String>,
    pub mode: Option<String>,
    pub area: Option<String>,
    pub priority: Option<String>,
    pub not_before: Option<String>,
    pub deadline: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub source: Option<String>,
    pub verify: Option<bool>,
    pub notify: Option<String>,
}

impl JobInput {
    /// Whether to understand it takes so long that it is done aside.
    pub(super) fn is_large(&self) -> bool {
        self.urls.len() + self.directories.len() >= LARGE_JOB_TARGETS
    }
}

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// A JSON Pointer into the body.
    pub pointer: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// What is wrong, and the right form.
    pub detail: String,
}

/// Reads a job, or names every fault.
pub(crate) fn understand(input: &JobInput, routes: &Routes, now: Timestamp) -> Result<JobRequest, Vec<InputError>> {
    let mut faults = InputErrors::default();
    let operation = faults.word(Some(&input.operation), "/operation", Operation::Purge);
    let mut merged = 0;
    let urls = targets(TargetKind::Url, &input.urls, routes, &mut merged, &mut faults);
    let directories = targets(TargetKind::Directory, &input.directories, routes, &mut merged, &mut faults);
    let mode = faults.word(input.mode.as_ref(), "/mode", Mode::Delete);
    let area = area(input, &mut faults);
    let priority = faults.word(input.priority.as_ref(), "/priority", Priority::Normal);
    let not_before = moment(input.not_before.as_ref(), "/not_before", &mut faults);
    let deadline = moment(input.deadline.as_ref(), "/deadline", &mut faults);
    check_counts(input, operation, &mut faults);
    check_times(not_before, deadline, now, &mut faults);
    check_words(input, &mut faults);
    if !faults.0.is_empty() {
        return Err(faults.0);
    }
    Ok(JobRequest {
        operation,
        urls,
        directories,
        merged,
        mode,
        area,
        priority,
        not_before,
        deadline,
        labels: input.labels.clone(),
        source: input.source.clone(),
        verify: input.verify.unwrap_or(true),
        notify: None,
    })
}

#[derive(Default)]
struct InputErrors(Vec<InputError>);

impl InputErrors {
    fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(InputError { pointer: pointer.into(), code, detail: detail.into() });
    }

    fn word<T: FromStr<Err: Display>>(&mut self, word: Option<&String>, pointer: &str, default: T) -> T {
        match word.map(|word| word.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.add(pointer, "unknown_word", error.to_string());
                default
            }
        }
    }
}

/// The distinct targets among `raw`; each fault is named at its place.
fn targets(
    kind: TargetKind,
    raw: &[String],
    routes: &Routes,
    merged: &mut u32,
    faults: &mut InputErrors,
) -> Vec<Target> {
    let field = if kind == TargetKind::Url { "urls" } else { "directories" };
    let mut seen = HashSet::with_capacity(raw.len());
    let mut targets = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate().take(TARGETS_MAX) {
        let pointer = || format!("/{field}/{index}");
        match Target::parse(kind, raw) {
            Err(fault) => faults.add(pointer(), fault.code, fault.detail),
            Ok(target) if routes.account_for(target.host()).is_none() => {
                let detail = format!("no account serves {}; add a route for it to the configuration", target.host());
                faults.add(pointer(), "no_route", detail);
            }
            Ok(target) => {
                if seen.insert(target.clone()) {
                    targets.push(target);
                } else {
                    *merged += 1;
                }
            }
        }
    }
    targets
}

/// `own` is our word for a job that names no area, and no word of the contract.
fn area(input: &JobInput, faults: &mut InputErrors) -> Area {
    let area = faults.word(input.area.as_ref(), "/area", Area::Own);
    if input.area.is_some() && area == Area::Own && faults.0.iter().all(|fault| fault.pointer != "/area") {
        faults.add(
            "/area",
            "unknown_word",
            "leave area out for the domain's own, or write mainland, overseas or global",
        );
    }
    area
}

fn moment(text: Option<&String>, pointer: &str, faults: &mut InputErrors) -> Option<Timestamp> {
    match text?.parse::<jiff::Timestamp>() {
        Ok(moment) => Some(Timestamp::from_millis(moment.as_millisecond())),
        Err(error) => {
            faults.add(pointer, "not_a_time", format!("not an RFC 3339 time such as 2026-11-22T10:00:00Z ({error})"));
            None
        }
    }
}

fn check_counts(input: &JobInput, operation: Operation, faults: &mut InputErrors) {
    let count = input.urls.len() + input.directories.len();
    if count == 0 {
        faults.add("", "no_targets", "name at least one target in urls or directories");
    }
    if count > TARGETS_MAX {
        faults.add("", "too_many_targets", format!("{count} targets; one job has at most {TARGETS_MAX}: split it"));
    }
    if operation == Operation::Prefetch && !input.directories.is_empty() {
        faults.add(
            "/directories",
            "directories_in_prefetch",
            "a directory cannot be prefetched; list its URLs under urls",
        );
    }
    if input.mode.is_some() && input.directories.is_empty() {
        faults.add(
            "/mode",
            "mode_without_directories",
            "mode is for directories; leave it out, since a URL is always deleted",
        );
    }
}

fn check_times(not_before: Option<Timestamp>, deadline: Option<Timestamp>, now: Timestamp, faults: &mut InputErrors) {
    let Some(deadline) = deadline else { return };
    if deadline <= now {
        faults.add("/deadline", "deadline_past", "the deadline is past; name a later one or none");
    } else if not_before.is_some_and(|not_before| deadline <= not_before) {
        faults.add("/deadline", "deadline_before_start", "the deadline must be later than not_before");
    }
}

fn check_words(input: &JobInput, faults: &mut InputErrors) {
    if input.labels.len() > LABELS_MAX {
        faults.add(
            "/labels",
            "too_many_labels",
            format!("{} labels; a job has at most {LABELS_MAX}", input.labels.len()),
        );
    }
    for (key, value) in &input.labels {
        if key.is_empty() || key.len() > LABEL_KEY_BYTES_MAX || value.len() > LABEL_VALUE_BYTES_MAX {
            let detail = format!(
                "a label has a key of 1 to {LABEL_KEY_BYTES_MAX} bytes and a value of at most {LABEL_VALUE_BYTES_MAX}"
            );
            faults.add(format!("/labels/{}", escaped(key)), "label_size", detail);
        }
    }
    if input.source.as_ref().is_some_and(|source| source.len() > SOURCE_BYTES_MAX) {
        faults.add("/source", "source_size", format!("source has at most {SOURCE_BYTES_MAX} bytes"));
    }
    if let Some(receiver) = &input.notify {
        faults.add("/notify", "unknown_receiver", format!("no receiver named {receiver:?} is configured"));
    }
}

/// A key as a JSON Pointer writes it (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountName;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn routes() -> Routes {
        let mut routes = Routes::default();
        routes.add("*.example.com".parse().expect("a pattern"), AccountName::new("main"));
        routes
    }

    fn job_input(operation: &str, urls: &[&str]) -> JobInput {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        JobInput { operation: operation.to_owned(), urls, ..JobInput::default() }
    }

    fn codes(input: &JobInput) -> Vec<(String, &'static str)> {
        let faults = understand(input, &routes(), NOW).expect_err("faults");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn equal_forms_are_merged_and_counted() {
        let input = job_input(
            "purge",
            &["https://www.example.com/a", "HTTPS://WWW.EXAMPLE.COM:443/a", "https://www.example.com/b"],
        );
        let request = understand(&input, &routes(), NOW).expect("valid");
        assert_eq!((request.urls.len(), request.merged), (2, 1));
    }

    #[test]
    fn every_fault_is_named_at_once_with_its_place() {
        let bad = JobInput {
            directories: vec!["https://www.example.com/img".to_owned()],
            area: Some("own".to_owned()),
            priority: Some("asap".to_owned()),
            deadline: Some("2020-01-01T00:00:00Z".to_owned()),
            not_before: Some("tomorrow".to_owned()),
            labels: BTreeMap::from([("a/b".repeat(40), String::new())]),
            notify: Some("pager".to_owned()),
            ..job_input(
                "prefetch",
                &["https://www.example.com/a", "https://www.example.com/a b", "https://other.example.org/"],
            )
        };
        let texts = codes(&bad);
        for expected in [
            ("/urls/1", "not_encoded"),
            ("/urls/2", "no_route"),
            ("/directories/0", "directory_slash"),
            ("/directories", "directories_in_prefetch"),
            ("/area", "unknown_word"),
            ("/priority", "unknown_word"),
            ("/deadline", "deadline_past"),
            ("/not_before", "not_a_time"),
            ("/notify", "unknown_receiver"),
        ] {
            assert!(
                texts.iter().any(|(pointer, code)| (pointer.as_str(), *code) == expected),
                "{expected:?} in {texts:?}"
            );
        }
        assert!(texts.iter().any(|(pointer, code)| pointer.starts_with("/labels/a~1b") && *code == "label_size"));
    }

    #[test]
    fn a_job_has_at_least_one_target_and_a_mode_only_for_directories() {
        assert_eq!(codes(&job_input("purge", &[])), [(String::new(), "no_targets")]);
        let moded = JobInput { mode: Some("delete".to_owned()), ..job_input("purge", &["https://www.example.com/"]) };
        assert_eq!(codes(&moded), [("/mode".to_owned(), "mode_without_directories")]);
        assert_eq!(
            codes(&job_input("wipe", &["https://www.example.com/"])),
            [("/operation".to_owned(), "unknown_word")]
        );
    }

    #[test]
    fn a_deadline_comes_after_the_start() {
        let late = JobInput {
            not_before: Some("2026-11-23T10:00:00Z".to_owned()),
            deadline: Some("2026-11-23T10:00:00Z".to_owned()),
            ..job_input("purge", &["https://www.example.com/"])
        };
        assert_eq!(codes(&late), [("/deadline".to_owned(), "deadline_before_start")]);
    }

    #[test]
    fn more_targets_than_a_job_may_have_are_refused() {
        let many = vec!["https://www.example.com/a"; TARGETS_MAX + 1];
        assert_eq!(codes(&job_input("purge", &many)), [(String::new(), "too_many_targets")]);
    }
}
