//! Why a command failed: the text for a person and the exit code for a script.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use http::StatusCode;

use super::exit;
use super::output::pointer::describe_pointer;
use super::output::terminal;
use crate::api::wire::{JobBody, ProblemAnswer};

#[derive(Debug)]
pub(super) enum CliError {
    /// The arguments or the environment are wrong.
    Usage(String),
    /// No response came. `sent`: the request may have arrived, so it may have been executed.
    Unanswered {
        url: String,
        why: String,
        sent: bool,
    },
    /// The daemon, or a proxy before it, answered with an error status.
    Refused(Box<ProblemError>),
    /// The response is not one of the daemon's.
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
    /// `None`: the body is not the daemon's, so a proxy may have answered.
    pub(super) problem: Option<ProblemAnswer>,
    pub(super) retry_after: Option<Duration>,
    pub(super) token_was_sent: bool,
}

impl CliError {
    /// Prints the error and returns the exit code.
    pub(super) fn report(&self) -> u8 {
        terminal::note(&format!("refreshd: {self}"));
        self.exit_code()
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => exit::USAGE,
            Self::Refused(refusal) => match refusal.status.as_u16() {
                400 | 413 | 415 | 422 => exit::USAGE,
                401 | 403 | 404 => exit::DENIED,
                // The job is final, or it has nothing to retry.
                409 => exit::NOTHING_SUCCEEDED,
                _ => exit::UNANSWERED,
            },
            Self::Unanswered { .. } | Self::Unreadable { .. } => exit::UNANSWERED,
            Self::Output(_) => exit::OUTPUT_FAILED,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unanswered { .. } => true,
            Self::Refused(refusal) => match refusal.status.as_u16() {
                429 | 502 | 503 | 504 => true,
                500.. => refusal.problem.as_ref().is_some_and(|problem| problem.retryable),
                _ => false,
            },
            Self::Usage(_) | Self::Unreadable { .. } | Self::Output(_) => false,
        }
    }

    /// Whether the request may have been executed although it failed here.
    pub(super) fn maybe_executed(&self) -> bool {
        match self {
            Self::Unanswered { sent, .. } => *sent,
            Self::Unreadable { .. } => true,
            // A proxy that gave up does not know what the daemon did.
            Self::Refused(refusal) => refusal.problem.is_none() && refusal.status.is_server_error(),
            Self::Usage(_) | Self::Output(_) => false,
        }
    }

    /// How long the daemon asks to wait before another try.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Replaces each JSON Pointer by what is written there in `body`.
    pub(super) fn describe_pointers(mut self, body: &JobBody) -> Self {
        if let Self::Refused(refusal) = &mut self
            && let Some(problem) = &mut refusal.problem
        {
            for field_error in &mut problem.errors {
                field_error.pointer = describe_pointer(&field_error.pointer, body);
            }
        }
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Unanswered { url, why, .. } => {
                write!(f, "no answer from {url}: {why}; is the daemon running, and is REFRESHD_URL right?")
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unreadable { url, why } => {
                write!(f, "the answer of {url} cannot be read: {why}; is it a refreshd of another version?")
            }
            Self::Output(error) => write!(f, "standard output cannot be written: {error}"),
        }
    }
}

impl fmt::Display for ProblemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Some(problem) => {
                f.write_str(if problem.detail.is_empty() { &problem.title } else { &problem.detail })?;
                for field_error in &problem.errors {
                    match field_error.pointer.as_str() {
                        "" => write!(f, "\n{}", field_error.detail)?,
                        place => write!(f, "\n{place}: {}", field_error.detail)?,
                    }
                }
                if self.status.is_server_error() {
                    write!(f, "\n({}, request {})", self.status, problem.request_id)?;
                }
            }
            None => {
                let Self { url, status, .. } = self;
                write!(f, "{url} answered {status}, and the answer is not from refreshd; is REFRESHD_URL right?")?;
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

    fn refused(status: u16, field_errors: &[(&str, &str)]) -> CliError {
        let errors = field_errors.iter().map(|(pointer, detail)| FieldErrorAnswer {
            pointer: (*pointer).to_owned(),
            code: "x".to_owned(),
            detail: (*detail).to_owned(),
        });
        let problem = ProblemAnswer {
            kind: "about:blank".to_owned(),
            title: "Unprocessable".to_owned(),
            status,
            code: "invalid".to_owned(),
            detail: "the job was refused and nothing of it was stored".to_owned(),
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
        let field_errors = [
            ("/urls/1", "' ' must be percent-encoded; write https://h/a%20b"),
            ("/directories/0", "a directory ends in /; write https://h/img/"),
            ("/deadline", "not a moment"),
            ("/urls/7", "out of range"),
            ("", "too much"),
        ];
        let text = refused(422, &field_errors).describe_pointers(&body).to_string();
        insta::assert_snapshot!(text, @r#"
        the job was refused and nothing of it was stored
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
            assert_eq!(refused(status, &[]).is_transient(), passes, "{status}");
        }
    }

    #[test]
    fn who_sent_no_token_is_told_where_it_goes() {
        assert!(refused(401, &[]).to_string().contains("REFRESHD_TOKEN_FILE"));
        assert!(!refused(403, &[]).to_string().contains("REFRESHD_TOKEN_FILE"));
    }
}
