//! Standing by a job until it is settled, for whoever asked for it or looks on, and telling what came of it.

use std::cell::OnceCell;
use std::future::{Future, pending};
use std::io::ErrorKind;
use std::time::Duration;

use super::poll::follow;
use super::progress::ProgressDisplay;
use super::{ApiClient, RetryPolicy};
use crate::api::wire::JobAnswer;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::report;
use crate::cli::output::report::Selection;
use crate::cli::output::terminal;
use crate::domain::Verification;

/// Troubled items that a summary names.
const NAMED_MAX: usize = 5;
/// Longer than any job takes.
const NO_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitOutput {
    /// A summary for a person, at the end.
    Summary,
    /// The job as JSON, at the end.
    Json,
    /// A line of JSON for each change.
    Changes,
}

/// Runs `work` until it ends or somebody interrupts it, and tells what can be done then: about the job once it is `known`,
/// before that about the `doubt` whether there is one. Returns the exit code.
pub(crate) async fn run_interruptible(
    work: impl Future<Output = Result<u8, CliError>>,
    job_id: &OnceCell<String>,
    doubt: Option<&str>,
) -> u8 {
    let ended = tokio::select! {
        ended = work => ended,
        () = interrupt() => {
            terminal::note("interrupted");
            Ok(exit::INTERRUPTED)
        }
    };
    let interrupted = matches!(ended, Ok(exit::INTERRUPTED));
    let failed = ended.is_err();
    let doubtful = interrupted || ended.as_ref().is_err_and(CliError::maybe_executed);
    // Told first what happened, then what can be done about it.
    let code = ended.unwrap_or_else(|fault| fault.report());
    match (job_id.get(), doubt) {
        (Some(id), _) if interrupted || failed => {
            terminal::note(&format!("the job goes on at the daemon; look with: refreshd job {id}"));
        }
        (None, Some(doubt)) if doubtful => terminal::note(doubt),
        _ => {}
    }
    code
}

/// Ends a command that made a job: at once with its id, or, with a timeout, after waiting for it.
pub(crate) async fn finish_submission(
    client: &ApiClient,
    mut job: JobAnswer,
    timeout: Option<Duration>,
    json: bool,
) -> Result<u8, CliError> {
    if timeout.is_some() {
        terminal::note(&format!("{}: {} accepted", job.id, job.operation));
        return wait(client, &mut job, timeout, if json { WaitOutput::Json } else { WaitOutput::Summary }).await;
    }
    if json {
        terminal::print_json(&job)?;
    } else {
        terminal::print(&format!("{}\n", job.id))?;
    }
    Ok(exit::SUCCEEDED)
}

/// Waits until `job` is settled, or the timeout if there is one, and tells how it stands then.
pub(crate) async fn wait(
    client: &ApiClient,
    job: &mut JobAnswer,
    timeout: Option<Duration>,
    output: WaitOutput,
) -> Result<u8, CliError> {
    let progress =
        if output == WaitOutput::Changes { ProgressDisplay::of_changes() } else { ProgressDisplay::of_stderr() };
    let settled = match follow(client, job, timeout.unwrap_or(NO_TIMEOUT), &progress).await {
        // Whoever read the changes has seen enough.
        Err(CliError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit::of_job(job)),
        followed => followed?,
    };
    match output {
        WaitOutput::Summary => terminal::print(&summary(client, job).await)?,
        WaitOutput::Json => terminal::print_json(job)?,
        WaitOutput::Changes => {}
    }
    if !settled {
        let id = &job.id;
        terminal::note(&format!("not settled at the timeout; it goes on at the daemon, look with: refreshd job {id}"));
    } else if exit::of_job(job) == exit::SUCCEEDED && exit::verification(job) == Some(Verification::Unknown) {
        terminal::note("warning: the provider is done, but the edge could not be compared with the origin");
    }
    Ok(exit::of_job(job))
}

/// What came of it. If the items cannot be had now, the rest is told all the same.
async fn summary(client: &ApiClient, job: &JobAnswer) -> String {
    let mut text = report::outcome(job);
    if report::has_troubled(job) {
        let patience = RetryPolicy::of(RetryPolicy::TRIES, &terminal::note);
        match Selection::read(client, job, NAMED_MAX, patience).await {
            Ok(selection) => text.push_str(&report::troubled(&selection, job)),
            Err(fault) => terminal::note(&format!("warning: the items cannot be shown: {fault}")),
        }
    }
    text
}

/// Returns at Ctrl-C; never, if that cannot be listened for.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
