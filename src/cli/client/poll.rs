//! Looks at a job until nothing about it changes any more, or the time for it is up.

use std::time::Duration;

use super::progress::ProgressDisplay;
use super::{ApiClient, RetryPolicy};
use crate::api::wire::JobAnswer;
use crate::cli::error::CliError;
use crate::cli::exit;

/// How long the daemon holds a look at an open job: the end is heard of at once, and progress shown this often.
const HOLD: Duration = Duration::from_secs(2);
/// No two looks begin closer together than this, whatever the daemon makes of `HOLD`.
const LOOKS_APART: Duration = Duration::from_secs(1);

/// Follows `job`, which is always the last that was seen. `true`: it is settled. `false`: `timeout` came first.
pub(crate) async fn follow(
    client: &ApiClient,
    job: &mut JobAnswer,
    timeout: Duration,
    progress: &ProgressDisplay,
) -> Result<bool, CliError> {
    let message = |text: &str| progress.note(text);
    let patience = RetryPolicy::of(RetryPolicy::TRIES_FOLLOWING, &message);
    progress.show(job)?;
    let looks = async {
        while !exit::is_settled(job) {
            let apart = tokio::time::sleep(LOOKS_APART);
            *job = client.job(&job.id, HOLD, patience).await?;
            progress.show(job)?;
            if !exit::is_settled(job) {
                apart.await;
            }
        }
        Ok::<(), CliError>(())
    };
    let settled = tokio::time::timeout(timeout, looks).await;
    progress.end();
    match settled {
        Ok(Ok(())) => Ok(true),
        Ok(Err(fault)) => Err(fault),
        Err(_) => Ok(false),
    }
}
