//! `refreshd cancel ID`: cancels the items that were not sent yet.

use clap::Args;
use http::StatusCode;

use crate::api::wire::JobAnswer;
use crate::cli::client::ApiClient;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{report, terminal};
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd cancel job_0192f3a000007000800000000000002a";

pub(crate) const CODES: &str = "\
Items that were sent cannot be taken back; the daemon follows them to their end.

Exit codes: 0 cancelled, now or before; 1 the job had ended already; for the
others and for the environment see refreshd --help.";

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
    let id = arguments.id.to_string();
    let job = match client.cancel(&id).await {
        Err(error) if is_conflict(&error) => check_cancelled_before(&client, &id, error).await?,
        result => result?,
    };
    if arguments.json {
        terminal::print_json(&job)?;
    } else {
        terminal::print(&report::outcome(&job))?;
    }
    if job.counts.submitted > 0 {
        terminal::note(&format!(
            "{} items were sent already; see how they end with: refreshd watch {id}",
            job.counts.submitted
        ));
    }
    Ok(exit::SUCCEEDED)
}

fn is_conflict(error: &CliError) -> bool {
    matches!(error, CliError::Refused(refusal) if refusal.status == StatusCode::CONFLICT)
}

/// If the answer to a cancel was lost, the second try finds the job cancelled already: that is no failure.
async fn check_cancelled_before(client: &ApiClient, id: &str, conflict: CliError) -> Result<JobAnswer, CliError> {
    let job = client.job(id).await?;
    if job.counts.cancelled == 0 {
        return Err(conflict);
    }
    terminal::note("the job was cancelled before");
    Ok(job)
}
