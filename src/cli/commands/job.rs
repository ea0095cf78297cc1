//! `refreshd job ID`: one job with its items and events.

use std::collections::VecDeque;

use clap::Args;

use crate::api::wire::{EventAnswer, ItemAnswer};
use crate::cli::client::{ApiClient, select_items};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::wire::JobReport;
use crate::cli::output::{report, terminal};
use crate::domain::JobId;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd job job_0192f3a000007000800000000000002a
  refreshd job job_0192f3a000007000800000000000002a --json | jq .job.status";

pub(crate) const SHAPE: &str = "\
With --json one line holds everything that is stored of the job, uncut:
  job     as GET /v1/jobs/{id} answers it
  items   as GET /v1/jobs/{id}/items does, all pages
  events  as GET /v1/jobs/{id}/events does, all pages, oldest first

Environment and exit codes: refreshd --help. The code is 0 if the job exists,
whatever its status.";

#[derive(Debug, Args)]
pub struct JobArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// Print {"job": …, "items": […], "events": […]}
    #[arg(long)]
    pub json: bool,
}

/// Items that are printed for a person.
const ITEMS_MAX: usize = 20;
/// Events that are printed for a person: the last ones.
const EVENTS_MAX: usize = 30;
/// Pages for twice the most items that a job can have (a refresh of 100,000 URLs): a list that goes on is an error.
const PAGES_MAX: usize = 800;

pub(crate) async fn run(arguments: &JobArguments) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let id = arguments.id.to_string();
    let job = client.job(&id).await?;
    if arguments.json {
        let items = all_items(&client, &id).await?;
        let events = last_events(&client, &id, usize::MAX).await?.1.into();
        terminal::print_json(&JobReport { job, items, events })?;
        return Ok(exit::SUCCEEDED);
    }
    let selection = select_items(&client, &job, ITEMS_MAX).await?;
    let (earlier, events) = last_events(&client, &id, EVENTS_MAX).await?;
    let mut text = report::head(&job);
    text.push_str(&report::items(&selection, &job));
    text.push_str(&report::history(earlier, &events));
    terminal::print(&text)?;
    Ok(exit::SUCCEEDED)
}

async fn all_items(client: &ApiClient, id: &str) -> Result<Vec<ItemAnswer>, CliError> {
    let (mut items, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = client.items(id, cursor.as_deref()).await?;
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
    Err(endless_list("items"))
}

/// The last `count` events, and how many came before them.
async fn last_events(client: &ApiClient, id: &str, count: usize) -> Result<(usize, VecDeque<EventAnswer>), CliError> {
    let (mut events, mut cursor, mut earlier) = (VecDeque::new(), None, 0);
    for _ in 0..PAGES_MAX {
        let page = client.events(id, cursor.as_deref()).await?;
        events.extend(page.items);
        let excess = events.len().saturating_sub(count);
        events.drain(..excess);
        earlier += excess;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok((earlier, events));
        }
    }
    Err(endless_list("events"))
}

fn endless_list(list: &str) -> CliError {
    CliError::Unreadable { url: "the daemon".to_owned(), why: format!("its list of {list} does not end") }
}
