//! `refreshd job ID`: everything that the daemon knows of one job.

use std::collections::VecDeque;
use std::time::Duration;

use clap::Args;

use crate::api::wire::{EventAnswer, ItemAnswer};
use crate::cli::client::{ApiClient, RetryPolicy};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::report;
use crate::cli::output::report::Selection;
use crate::cli::output::terminal;
use crate::cli::output::wire::JobReport;
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd job job_0192f3a000007000800000000000002a
  refreshd job job_0192f3a000007000800000000000002a --json | jq .job.status";

pub(crate) const SHAPE: &str = "\
With --json one line holds everything that is kept of the job, uncut:
  job     as GET /v1/jobs/{id} answers it
  items   as GET /v1/jobs/{id}/items does, all pages
  events  as GET /v1/jobs/{id}/events does, all pages, oldest first

Environment and exit codes: refreshd --help. Found is 0, whatever the job's
status.";

#[derive(Debug, Args)]
pub struct JobArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// Print {"job": …, "items": […], "events": […]}
    #[arg(long)]
    pub json: bool,
}

/// Items that are shown to a person.
const SHOWN_MAX: usize = 20;
/// Events that are shown to a person: the last ones.
const EVENTS_SHOWN_MAX: usize = 30;
/// Twice the most items that a job can have (a refresh of 100,000 URLs), and no daemon's list goes on for ever.
const PAGES_MAX: usize = 800;

pub(crate) async fn run(arguments: &JobArguments) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let patience = RetryPolicy::of(RetryPolicy::TRIES, &terminal::note);
    let id = arguments.id.to_string();
    let job = client.job(&id, Duration::ZERO, patience).await?;
    if arguments.json {
        let items = all_items(&client, &id, patience).await?;
        let events = last_events(&client, &id, usize::MAX, patience).await?.1.into();
        terminal::print_json(&JobReport { job, items, events })?;
        return Ok(exit::SUCCEEDED);
    }
    let selection = Selection::read(&client, &job, SHOWN_MAX, patience).await?;
    let (earlier, events) = last_events(&client, &id, EVENTS_SHOWN_MAX, patience).await?;
    let mut text = report::head(&job);
    text.push_str(&report::items(&selection, &job));
    text.push_str(&report::history(earlier, &events));
    terminal::print(&text)?;
    Ok(exit::SUCCEEDED)
}

async fn all_items(client: &ApiClient, id: &str, patience: RetryPolicy<'_>) -> Result<Vec<ItemAnswer>, CliError> {
    let (mut items, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = client.items(id, cursor.as_deref(), patience).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
    Err(endless("items"))
}

/// The last `shown` events, and how many came before them.
async fn last_events(
    client: &ApiClient,
    id: &str,
    count: usize,
    patience: RetryPolicy<'_>,
) -> Result<(usize, VecDeque<EventAnswer>), CliError> {
    let (mut events, mut cursor, mut earlier) = (VecDeque::new(), None, 0);
    for _ in 0..PAGES_MAX {
        let page = client.events(id, cursor.as_deref(), patience).await?;
        events.extend(page.items);
        let more = events.len().saturating_sub(count);
        events.drain(..more);
        earlier += more;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok((earlier, events));
        }
    }
    Err(endless("events"))
}

fn endless(list: &str) -> CliError {
    CliError::Unreadable { url: "the daemon".to_owned(), why: format!("its list of {list} does not end") }
}
