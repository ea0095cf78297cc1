//! Reads a job again and again until nothing about it changes any more, or until a timeout.

use std::time::Duration;

use super::api_client::ApiClient;
use super::progress::ProgressDisplay;
use super::retry_policy::RetryPolicy;
use crate::api::wire::JobAnswer;
use crate::cli::error::CliError;
use crate::cli::exit;

/// How long the daemon may hold a read of an open job: it answers at once when the job ends, and progress is shown at
/// least this often.
const POLL_WAIT: Duration = Duration::from_secs(2);
/// The shortest time between two reads, in case the daemon does not wait.
const POLL_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Follows `job` and keeps it up to date. `true`: it is settled. `false`: `timeout` came first.
pub(super) async fn poll_until_settled(
    client: &ApiClient,
    job: &mut JobAnswer,
    timeout: Duration,
    progress: &ProgressDisplay,
) -> Result<bool, CliError> {
    let announce = |text: &str| progress.note(text);
    let policy = RetryPolicy::following(&announce);
    progress.show(job)?;
    let polling = async {
        while !exit::is_settled(job) {
            let interval = tokio::time::sleep(POLL_INTERVAL_MIN);
            *job = client.await_job(&job.id, POLL_WAIT, policy).await?;
            progress.show(job)?;
            if !exit::is_settled(job) {
                interval.await;
            }
        }
        Ok::<(), CliError>(())
    };
    let result = tokio::time::timeout(timeout, polling).await;
    progress.end();
    match result {
        Ok(Ok(())) => Ok(true),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(false),
    }
}
