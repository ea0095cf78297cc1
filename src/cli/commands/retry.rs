//! `refreshd retry ID`: makes a new job of a job's failed and expired targets.

use std::cell::OnceCell;
use std::time::Duration;

use clap::Args;

use crate::cli::arg_values::parse_duration;
use crate::cli::client::ApiClient;
use crate::cli::client::wait::{finish_submission, run_interruptible};
use crate::cli::error::CliError;
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd retry job_0192f3a000007000800000000000002a
  refreshd retry job_0192f3a000007000800000000000002a --wait --timeout 30m";

#[derive(Debug, Args)]
pub struct RetryArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// Wait for the new job and its verification
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", requires = "wait", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Print the new job as GET /v1/jobs/{id} answers it
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &RetryArguments) -> u8 {
    // A second try could make a second job, so a person has to look whether there is a first.
    let hint = "the new job may have been stored; before another try look for it with: refreshd jobs --limit 5";
    let job_id = OnceCell::new();
    run_interruptible(retry(arguments, &job_id), &job_id, Some(hint)).await
}

async fn retry(arguments: &RetryArguments, job_id: &OnceCell<String>) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let job = client.retry(&arguments.id.to_string()).await?;
    // Set once, here.
    let _ = job_id.set(job.id.clone());
    finish_submission(&client, job, arguments.wait.then_some(arguments.timeout), arguments.json).await
}
