//! Why a command did not do its work: what a person reads, and the exit code that a script reads.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::exit;
use super::output::terminal;
use crate::api::wire::{JobBody, ProblemAnswer};

#[derive(Debug)]
pub(super) enum CliError {
    /// What was asked for, or the environment, cannot be meant so.
    Usage(String),
    /// Nothing came back. `sent`: it may have arrived, so nobody knows whether it was done.
    Unanswered {
        url: String,
        why: String,
        sent: bool,
    },
    /// The daemon, or something on the way to it, said no.
    Refused(Box<ProblemError>),
    /// An answer that is none of ours.
    Unreadable {
        url: String,
        why: String,
    },
    Output(io::Error),
}

#[derive(Debug)]
pub(super) struct ProblemError {
    pub(super) url: String,
    pub(super) status: StatusCode,
    /// `None`: it did not speak as a daemon does.
    pub(super) problem: Option<ProblemAnswer>,
    pub(super) retry_after: Option<Duration>,
    pub(super) token_was_sent: bool,
}

impl CliError {
    /// Tells a person, and gives the exit code.
    pub(super) fn report(&self) -> u8 {
        terminal::note(&format!("refreshd: {self}"));
        self.exit_code()
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Refused(refused) => match refused.status.as_u16() {
                400 | 413 | 415 | 422 => exit::USAGE,
                401 | 403 | 404 => exit::DENIED,
                // The job is final, or has nothing to retry: what was asked for is not to be had of it.
                409 => exit::NOTHING_SUCCEEDED,
                _ => exit::UNANSWERED,
            },
            Self::Unanswered { .. } | Self::Unreadable { .. } => exit::UNANSWERED,
            Self::Output(_) => exit::OUTPUT_LOST,
        }
    }

    /// Whether the same request may fare better in a moment.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unanswered { .. } => true,
            Self::Refused(refused) => match refused.status.as_u16() {
                429 | 502 | 503 | 504 => true,
                500.. => refused.problem.as_ref().is_some_and(|problem| problem.retryable),
                _ => false,
            },
            Self::Usage(_) | Self::Unreadable { .. } | Self::Output(_) => false,
        }
    }

    /// Whether the request may have been done all the same.
    pub(super) fn maybe_executed(&self) -> bool {
        match self {
            Self::Unanswered { sent, .. } => *sent,
            Self::Unreadable { .. } => true,
            // A proxy that gave up says nothing of what the daemon did.
            Self::Refused(refused) => refused.problem.is_none() && refused.status.is_server_error(),
            Self::Usage(_) | Self::Output(_) => false,
        }
    }

    /// The moment that the other side named for another try.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.retry_after,
            _ => None,
        }
    }

    /// Names what was written in the place of pointers to it.
    pub(super) fn naming(mut self, body: &JobBody) -> Self {
        if let Self::Refused(refused) = &mut self
            && let Some(problem) = &mut refused.problem
        {
            for fault in &mut problem.errors {
                fault.pointer = written_at(&fault.pointer, body);
            }
        }
        self
    }
}

/// What stands at a JSON Pointer into `body`: a target as it is, anything else behind its place.
pub(super) fn written_at(pointer: &str, body: &JobBody) -> String {
    let list = |name: &str, targets: &[String]| {
        let index: usize = pointer.strip_prefix(name)?.parse().ok()?;
        targets.get(index).cloned()
    };
    if let Some(target) = list("/urls/", &body.urls).or_else(|| list("/directories/", &body.directories)) {
        return target;
    }
    // Without the targets: there may be many, and none is meant.
    let rest = JobBody { urls: Vec::new(), directories: Vec::new(), ..body.clone() };
    let value = serde_json::to_value(rest).unwrap_or_default();
    let place = pointer.trim_start_matches('/');
    match value.pointer(pointer) {
        Some(Value::String(text)) => format!("{place} {text:?}"),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => format!("{place} {value}"),
        _ => place.to_owned(),
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Unanswered { url, why, .. } => {
                write!(f, "no answer from {url}: {why}; is the daemon running, and is REFRESHD_URL right?")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Unreadable { url, why } => write!(f, "{url} answered what this program cannot read: {why}"),
            Self::Output(error) => write!(f, "standard output cannot be written: {error}"),
        }
    }
}

impl fmt::Display for ProblemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Some(problem) => {
                f.write_str(if problem.detail.is_empty() { &problem.title } else { &problem.detail })?;
                for fault in &problem.errors {
                    match fault.pointer.as_str() {
                        "" => write!(f, "\n{}", fault.detail)?,
                        place => write!(f, "\n{place}: {}", fault.detail)?,
                    }
                }
                if self.status.is_server_error() {
                    write!(f, "\n({}, request {})", self.status, problem.request_id)?;
                }
            }
            None => {
                let Self { url, status, .. } = self;
                write!(f, "{url} answered {status}, and not as refreshd does; is REFRESHD_URL right?")?;
            }
        }
        if self.status == StatusCode::UNAUTHORIZED && !self.token_was_sent {
            f.write_str("\nno token was sent: set REFRESHD_TOKEN, or REFRESHD_TOKEN_FILE to a file that holds it")?;
        }
        if let Some(wait) = self.retry_after {
            write!(f, "\ntry again in {} s", wait.as_secs())?;
        }
        Ok(())
    }
}

impl Error for CliError {}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::FieldErrorAnswer;

    fn refused(status: u16, faults: &[(&str, &str)]) -> CliError {
        let errors = faults.iter().map(|(pointer, detail)| FieldErrorAnswer {
            pointer: (*pointer).to_owned(),
            code: "x".to_owned(),
            detail: (*detail).to_owned(),
        });
        let problem = ProblemAnswer {
            kind: "about:blank".to_owned(),
            title: "Unprocessable".to_owned(),
            status,
            code: "invalid".to_owned(),
            detail: "the job was refused and nothing of it was kept".to_owned(),
            request_id: "req_1".to_owned(),
            retryable: false,
            retry_after_s: None,
            errors: errors.collect(),
        };
        CliError::Refused(Box::new(ProblemError {
            url: "http://h".to_owned(),
            status: StatusCode::from_u16(status).expect("a status"),
            problem: Some(problem),
            retry_after: None,
            token_was_sent: false,
        }))
    }

    #[test]
    fn each_fault_stands_on_a_line_with_what_was_written() {
        let body = JobBody {
            urls: vec!["https://h/a".to_owned(), "https://h/a b".to_owned()],
            directories: vec!["https://h/img".to_owned()],
            deadline: Some("tomorrow".to_owned()),
            ..JobBody::default()
        };
        let faults = [
            ("/urls/1", "' ' must be percent-encoded; write https://h/a%20b"),
            ("/directories/0", "a directory ends in /; write https://h/img/"),
            ("/deadline", "not a moment"),
            ("/urls/7", "out of range"),
            ("", "too much"),
        ];
        let text = refused(422, &faults).naming(&body).to_string();
        insta::assert_snapshot!(text, @r#"
        the job was refused and nothing of it was kept
        https://h/a b: ' ' must be percent-encoded; write https://h/a%20b
        https://h/img: a directory ends in /; write https://h/img/
        deadline "tomorrow": not a moment
        urls/7: out of range
        too much
        "#);
    }

    #[test]
    fn an_exit_code_follows_from_the_answer() {
        for (status, code) in [
            (400, 2),
            (413, 2),
            (415, 2),
            (422, 2),
            (401, 4),
            (403, 4),
            (404, 4),
            (409, 1),
            (429, 5),
            (500, 5),
            (503, 5),
            (507, 5),
            (302, 5),
        ] {
            assert_eq!(refused(status, &[]).exit_code(), code, "{status}");
        }
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        for (status, passes) in [(429, true), (503, true), (502, true), (500, false), (507, false), (422, false)] {
            assert_eq!(refused(status, &[]).may_pass(), passes, "{status}");
        }
    }

    #[test]
    fn who_sent_no_token_is_told_where_it_goes() {
        assert!(refused(401, &[]).to_string().contains("REFRESHD_TOKEN_FILE"));
        assert!(!refused(403, &[]).to_string().contains("REFRESHD_TOKEN_FILE"));
    }
}
