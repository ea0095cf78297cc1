//! Log lines go to standard error, as text at a terminal and as JSON elsewhere. Also formats an error with its causes.

use std::error::Error;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// What is logged: a `tracing` filter such as `info` or `refreshd=debug,info`.
pub const FILTER_VARIABLE: &str = "REFRESHD_LOG";
/// For a daemon.
pub const FILTER_DEFAULT: &str = "info";
/// For a command whose own output is what counts.
pub const FILTER_QUIET: &str = "error";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Readable lines, coloured.
    Text,
    /// One JSON object on each line.
    Json,
}

impl LogFormat {
    /// The format for standard error: text at a terminal, JSON otherwise.
    #[must_use]
    pub fn of_stderr() -> Self {
        if io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Sends this process's log lines to standard error, once. An invalid filter is replaced by the default and logged, because a typing
/// error in the log level should not keep the daemon from starting.
pub fn init(format: LogFormat, default: &'static str) -> Result<(), TryInitError> {
    let written = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let (filter, fault) = filter(&written, default);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => try_init(lines.finish()),
        LogFormat::Json => try_init(lines.json().flatten_event(true).with_current_span(false).finish()),
    }?;
    if let Some(fault) = fault {
        tracing::warn!(filter = %written, error = %fault, "{FILTER_VARIABLE} is not a valid log filter; using {default}");
    }
    Ok(())
}

fn try_init(subscriber: impl tracing_subscriber::util::SubscriberInitExt) -> Result<(), TryInitError> {
    subscriber.try_init()
}

fn filter(written: &str, default: &'static str) -> (EnvFilter, Option<tracing_subscriber::filter::ParseError>) {
    if written.is_empty() {
        return (EnvFilter::new(default), None);
    }
    match EnvFilter::builder().parse(written) {
        Ok(filter) => (filter, None),
        Err(fault) => (EnvFilter::new(default), Some(fault)),
    }
}

/// An error and all that caused it, in one line.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_filter_falls_back_and_is_told_of() {
        for (written, in_force, faulty) in [
            ("", "info", false),
            ("debug", "debug", false),
            ("refreshd=trace,info", "refreshd=trace,info", false),
            ("a=b=c", "info", true),
        ] {
            let (filter, fault) = filter(written, FILTER_DEFAULT);
            assert_eq!((filter.to_string().as_str(), fault.is_some()), (in_force, faulty), "{written}");
        }
    }
}
