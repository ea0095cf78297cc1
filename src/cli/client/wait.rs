//! Waits for a job to settle, prints the result, and handles Ctrl-C: for the commands that make or watch a job.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::io::ErrorKind;
use std::time::Duration;

use super::api_client::ApiClient;
use super::poll::poll_until_settled;
use super::progress::ProgressDisplay;
use super::select_items::select_items;
use crate::api::wire::{ItemAnswer, JobAnswer};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{report, terminal};
use crate::domain::Verification;

/// Items with problems that a summary names.
const PROBLEM_ITEMS_MAX: usize = 5;
/// Longer than any job takes.
const NO_TIMEOUT: Duration = Duration::from_secs(u32::MAX as u64);

/// What is written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitOutput {
    /// A summary for a person, at the end.
    Summary,
    /// The job as JSON, at the end.
    Json,
    /// A line of JSON for each change.
    Changes,
}

/// Runs `work` until it ends or Ctrl-C, and returns the exit code. If it was interrupted or failed, it prints how to go
/// on: once `job_id` is set, how to see the job; before that, if the job may exist, `uncertain_hint`.
pub(crate) async fn run_interruptible(
    work: impl Future<Output = Result<u8, CliError>>,
    job_id: &OnceCell<String>,
    uncertain_hint: Option<&str>,
) -> u8 {
    let result = tokio::select! {
        result = work => result,
        () = interrupt() => {
            terminal::note("interrupted");
            Ok(exit::INTERRUPTED)
        }
    };
    let interrupted = matches!(result, Ok(exit::INTERRUPTED));
    let failed = result.is_err();
    let uncertain = interrupted || result.as_ref().is_err_and(CliError::maybe_executed);
    // The error first, then what can be done about it.
    let code = result.unwrap_or_else(|error| error.report());
    match (job_id.get(), uncertain_hint) {
        (Some(id), _) if interrupted || failed => {
            terminal::note(&format!("the job goes on at the daemon; look with: refreshd job {id}"));
        }
        (None, Some(hint)) if uncertain => terminal::note(hint),
        _ => {}
    }
    code
}

/// Ends a command that made a job: without `timeout` it prints the job's id, with one it waits for the job first.
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

/// Waits until `job` is settled, or until `timeout`, prints its state and returns the exit code for it.
pub(crate) async fn wait(
    client: &ApiClient,
    job: &mut JobAnswer,
    timeout: Option<Duration>,
    output: WaitOutput,
) -> Result<u8, CliError> {
    let progress =
        if output == WaitOutput::Changes { ProgressDisplay::of_changes() } else { ProgressDisplay::of_stderr() };
    let settled = match poll_until_settled(client, job, timeout.unwrap_or(NO_TIMEOUT), &progress).await {
        // The program that read the changes has closed the pipe: it needs no more.
        Err(CliError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(exit::of_job(job)),
        result => result?,
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
    } else if output != WaitOutput::Changes && exit::verification(job) == Some(Verification::Fresh) {
        warn_of_missing_targets(client, job).await;
    }
    Ok(exit::of_job(job))
}

/// The outcome, and the items with problems. If these cannot be read, the outcome is printed all the same.
async fn summary(client: &ApiClient, job: &JobAnswer) -> String {
    let mut text = report::outcome(job);
    if report::has_problem_items(job) {
        match select_items(client, job, PROBLEM_ITEMS_MAX).await {
            Ok(selection) => text.push_str(&report::problem_items(&selection, job)),
            Err(error) => terminal::note(&format!("warning: the items cannot be shown: {error}")),
        }
    }
    text
}

/// Fresh is also what nobody finds any more: after a removal that is right, after a slip of the pen it is not.
async fn warn_of_missing_targets(client: &ApiClient, job: &JobAnswer) {
    let page = match client.items(&job.id, None).await {
        Ok(page) => page,
        Err(error) => return terminal::note(&format!("warning: the items cannot be read: {error}")),
    };
    let status = |item: &ItemAnswer| item.seen.as_ref()?.origin.as_ref().map(|origin| origin.status);
    let is_missing = |item: &&ItemAnswer| matches!(status(item), Some(404 | 410));
    let missing: BTreeSet<&str> = page.items.iter().filter(is_missing).map(|item| item.target.as_str()).collect();
    if let Some(first) = missing.first() {
        let others = if missing.len() > 1 { format!(" (and {} more)", missing.len() - 1) } else { String::new() };
        terminal::note(&format!(
            "warning: the origin has nothing at {first}{others}: was it removed, or is the URL mistyped?"
        ));
    }
}

/// Returns at Ctrl-C; never, if the signal cannot be listened for.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending::<()>().await;
    }
}
