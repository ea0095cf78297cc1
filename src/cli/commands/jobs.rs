//! `refreshd jobs`: searches for jobs and lists them, newest first, each with what it waits for.

use clap::Args;

use crate::api::wire::{JobAnswer, ListAnswer};
use crate::cli::arg_values::{one_of, parse_duration, parse_label};
use crate::cli::client::{ApiClient, PAGE_ROWS};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::{report, terminal};
use crate::clock::{Clock, SystemClock};
use crate::domain::{JobStatus, Operation};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd jobs --status failed --since 2h
  refreshd jobs https://www.example.com/app.js
  refreshd jobs --label release=42 --limit 500 --json | jq -r '.items[].id'";

pub(crate) const SHAPE: &str = "\
With --json one line holds {\"items\": […], \"next_cursor\"}: jobs as GET /v1/jobs
answers them; next_cursor is null if there are no more.

Environment and exit codes: refreshd --help. The code is 0 even if no job
matches.";

#[derive(Debug, Args)]
pub struct JobsArguments {
    /// A job, task or request id, target, host or label value, exactly
    pub query: Option<String>,
    /// pending, running, succeeded, partial, failed, …
    #[arg(long, value_name = "S", hide_possible_values = true, value_parser = one_of(JobStatus::ALL.iter().map(|value| value.as_str())))]
    pub status: Option<String>,
    /// purge, prefetch or refresh
    #[arg(long, value_name = "O", hide_possible_values = true, value_parser = one_of(Operation::ALL.iter().map(|value| value.as_str())))]
    pub operation: Option<String>,
    /// A host of the job's targets
    #[arg(long, value_name = "H")]
    pub host: Option<String>,
    /// A URL or directory of the job
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// A label of the job
    #[arg(long, value_name = "K=V", value_parser = parse_label)]
    pub label: Option<(String, String)>,
    /// The source that the job names
    #[arg(long, value_name = "S")]
    pub source: Option<String>,
    /// Another tenant's jobs; needs the scope oncall
    #[arg(long, value_name = "T")]
    pub tenant: Option<String>,
    /// Created at or after (RFC 3339), or an age: 2h
    #[arg(long, value_name = "TIME|DURATION", value_parser = parse_time)]
    pub since: Option<String>,
    /// Created before (RFC 3339), or an age
    #[arg(long, value_name = "TIME|DURATION", value_parser = parse_time)]
    pub until: Option<String>,
    /// The id of the provider's task
    #[arg(long, value_name = "ID")]
    pub task_id: Option<String>,
    /// List at most so many jobs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Print {"items": […], "next_cursor"}
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &JobsArguments) -> Result<u8, CliError> {
    let client = ApiClient::from_environment()?;
    let answer = search(&client, arguments).await?;
    if arguments.json {
        terminal::print_json(&answer)?;
        return Ok(exit::SUCCEEDED);
    }
    let text: String = answer.items.iter().map(report::list_entry).collect();
    terminal::print(&text)?;
    if answer.items.is_empty() {
        terminal::note("no job matches");
    } else if answer.next_cursor.is_some() {
        terminal::note(&format!("these are the newest {}; a higher --limit shows more", answer.items.len()));
    }
    Ok(exit::SUCCEEDED)
}

/// Reads as many pages as `--limit` jobs need.
async fn search(client: &ApiClient, arguments: &JobsArguments) -> Result<ListAnswer<JobAnswer>, CliError> {
    let conditions = conditions(arguments);
    let mut answer = ListAnswer { items: Vec::new(), next_cursor: None };
    loop {
        let missing = arguments.limit.saturating_sub(u32::try_from(answer.items.len()).unwrap_or(u32::MAX));
        let rows = missing.min(PAGE_ROWS);
        let page = client.jobs(&conditions, rows, answer.next_cursor.as_deref()).await?;
        let is_last = page.next_cursor.is_none() || page.items.is_empty() || page.items.len() >= missing as usize;
        answer.items.extend(page.items);
        answer.next_cursor = page.next_cursor;
        if is_last {
            return Ok(answer);
        }
    }
}

/// The query parameters of `GET /v1/jobs`.
fn conditions(arguments: &JobsArguments) -> Vec<(&'static str, String)> {
    let label = arguments.label.as_ref().map(|(key, value)| format!("{key}={value}"));
    let parameters = [
        ("status", &arguments.status),
        ("operation", &arguments.operation),
        ("host", &arguments.host),
        ("target", &arguments.target),
        ("label", &label),
        ("source", &arguments.source),
        ("tenant", &arguments.tenant),
        ("since", &arguments.since),
        ("until", &arguments.until),
        ("task_id", &arguments.task_id),
        ("q", &arguments.query),
    ];
    parameters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// A time as the API reads it: an RFC 3339 time as it is, an age subtracted from now.
fn parse_time(text: &str) -> Result<String, String> {
    if let Ok(age) = parse_duration(text) {
        let created = (SystemClock::default().now() - age).as_millis();
        return jiff::Timestamp::from_millisecond(created)
            .map(|time| time.to_string())
            .map_err(|error| error.to_string());
    }
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    match parsed {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a time such as 2026-11-22T10:00:00Z, or how long ago, such as 2h".to_owned()),
    }
}
