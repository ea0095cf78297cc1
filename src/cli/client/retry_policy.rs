//! When a request that failed is sent again, and how long to wait before.

use std::time::Duration;

use crate::cli::error::CliError;
use crate::cli::output::terminal;
use crate::domain::Backoff;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), max: Duration::from_secs(5) };
/// If the daemon asks for a longer wait, the command ends instead and its caller decides.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// How often a request is sent at most, and where further tries are announced.
#[derive(Clone, Copy)]
pub(crate) struct RetryPolicy<'a> {
    tries_max: u32,
    pub(super) announce: &'a dyn Fn(&str),
    /// Executing the request twice does no harm.
    pub(super) idempotent: bool,
}

impl RetryPolicy<'static> {
    /// Six tries in about 3 seconds: long enough for a daemon that restarts, short enough for a person at a prompt.
    pub(crate) const INTERACTIVE: Self = Self { tries_max: 6, announce: &terminal::note, idempotent: true };
}

impl<'a> RetryPolicy<'a> {
    /// About a minute, for following a job that the daemon has stored: only looking at it is interrupted.
    pub(super) fn following(announce: &'a dyn Fn(&str)) -> Self {
        Self { tries_max: 24, announce, idempotent: true }
    }

    /// For a request that must not be executed twice.
    pub(super) fn once_at_most(self) -> Self {
        Self { idempotent: false, ..self }
    }

    /// The wait before the next try; `None`: there is no next try.
    pub(super) fn wait(&self, tries: u32, error: &CliError, jitter: f64) -> Option<Duration> {
        if tries >= self.tries_max || !error.is_transient() {
            return None;
        }
        let retry_after = error.retry_after().unwrap_or_default();
        (retry_after <= RETRY_AFTER_MAX).then(|| BACKOFF.wait(tries, jitter).max(retry_after))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::cli::error::ProblemError;

    #[test]
    fn a_wait_is_never_shorter_than_asked_for_nor_without_end() {
        let busy = |seconds: Option<u64>| {
            CliError::Refused(Box::new(ProblemError {
                url: String::new(),
                status: StatusCode::SERVICE_UNAVAILABLE,
                problem: None,
                retry_after: seconds.map(Duration::from_secs),
                token_was_sent: true,
            }))
        };
        let policy = RetryPolicy { tries_max: 5, ..RetryPolicy::INTERACTIVE };
        assert_eq!(policy.wait(1, &busy(None), 0.0), Some(Duration::from_millis(200)));
        assert_eq!(policy.wait(1, &busy(Some(7)), 0.0), Some(Duration::from_secs(7)));
        assert_eq!(policy.wait(1, &busy(Some(61)), 0.0), None);
        assert_eq!(policy.wait(5, &busy(None), 0.0), None);
        assert_eq!(policy.wait(1, &CliError::Usage(String::new()), 0.0), None);
    }
}
