//! `refreshd watch ID`: a job's progress as it goes, to the end of its verification.

use std::cell::OnceCell;
use std::time::Duration;

use clap::Args;

use crate::cli::arg_values::span;
use crate::cli::client::wait::{WaitOutput, run_interruptible, wait};
use crate::cli::client::{ApiClient, RetryPolicy};
use crate::cli::error::CliError;
use crate::cli::output::terminal;
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd watch job_0192f3a000007000800000000000002a
  refreshd watch job_0192f3a000007000800000000000002a --timeout 15m && deploy-next
  refreshd watch job_0192f3a000007000800000000000002a --json | jq -c .counts";

#[derive(Debug, Args)]
pub struct WatchArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// How long to watch; to its end if left out
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub timeout: Option<Duration>,
    /// Print the job as a line of JSON each time it has changed
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &WatchArguments) -> u8 {
    let job_id = OnceCell::new();
    run_interruptible(watch(arguments, &job_id), &job_id, None).await
}

async fn watch(arguments: &WatchArguments, job_id: &OnceCell<String>) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let patience = RetryPolicy::of(RetryPolicy::TRIES, &terminal::note);
    let mut job = client.job(&arguments.id.to_string(), Duration::ZERO, patience).await?;
    // Set once, here: now it is there, whatever happens to this look at it.
    let _ = job_id.set(job.id.clone());
    let output = if arguments.json { WaitOutput::Changes } else { WaitOutput::Summary };
    wait(&client, &mut job, arguments.timeout, output).await
}
