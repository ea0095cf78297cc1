//! `refreshd watch ID`: shows a job's progress until it ended and was verified.

use std::cell::OnceCell;
use std::time::Duration;

use clap::Args;

use crate::cli::arg_values::parse_duration;
use crate::cli::client::ApiClient;
use crate::cli::client::wait::{WaitOutput, run_interruptible, wait};
use crate::cli::error::CliError;
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
    /// How long to watch; without it, to the job's end
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Print the job as a line of JSON at each change
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &WatchArguments) -> u8 {
    let job_id = OnceCell::new();
    run_interruptible(watch(arguments, &job_id), &job_id, None).await
}

async fn watch(arguments: &WatchArguments, job_id: &OnceCell<String>) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let mut job = client.job(&arguments.id.to_string()).await?;
    // Set once, here: the job exists, so if watching fails the hint names it.
    let _ = job_id.set(job.id.clone());
    let output = if arguments.json { WaitOutput::Changes } else { WaitOutput::Summary };
    wait(&client, &mut job, arguments.timeout, output).await
}
