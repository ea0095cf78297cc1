//! `refreshd cancel ID`: takes back what was not sent yet.

use std::time::Duration;

use clap::Args;
use http::StatusCode;

use crate::api::wire::JobAnswer;
use crate::cli::client::{ApiClient, RetryPolicy};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{report, terminal};
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd cancel job_0192f3a000007000800000000000002a";

pub(crate) const CODES: &str = "\
What was sent already is followed to its end: nothing takes it back.

Exit codes: 0 cancelled, now or before; 1 it had ended already; for the rest and
for the environment see refreshd --help.";

#[derive(Debug, Args)]
pub struct CancelArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// Print the job as GET /v1/jobs/{id} answers it
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &CancelArguments) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let patience = RetryPolicy::of(RetryPolicy::TRIES, &terminal::note);
    let id = arguments.id.to_string();
    let job = match client.cancel(&id, patience).await {
        Err(fault) if is_final(&fault) => cancelled_before(&client, &id, fault, patience).await?,
        answered => answered?,
    };
    if arguments.json {
        terminal::print_json(&job)?;
    } else {
        terminal::print(&report::outcome(&job))?;
    }
    if job.counts.submitted > 0 {
        terminal::note(&format!(
            "{} were sent before; see how they end with: refreshd watch {id}",
            job.counts.submitted
        ));
    }
    Ok(exit::SUCCEEDED)
}

fn is_final(fault: &CliError) -> bool {
    matches!(fault, CliError::Refused(refused) if refused.status == StatusCode::CONFLICT)
}

/// A cancel whose answer was lost finds its own work when it is sent again; that is no failure.
async fn cancelled_before(
    client: &ApiClient,
    id: &str,
    fault: CliError,
    patience: RetryPolicy<'_>,
) -> Result<JobAnswer, CliError> {
    let job = client.job(id, Duration::ZERO, patience).await?;
    if job.counts.cancelled == 0 {
        return Err(fault);
    }
    terminal::note("it was cancelled before");
    Ok(job)
}
