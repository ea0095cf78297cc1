//! `refreshd purge|prefetch|refresh`: submits a job, and with `--wait` waits for its end.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::plan;
use crate::api::wire::{JobAnswer, JobBody};
use crate::cli::arg_values::{one_of, parse_duration, parse_label};
use crate::cli::client::ApiClient;
use crate::cli::client::wait::{finish_submission, run_interruptible};
use crate::cli::error::CliError;
use crate::cli::output::{terminal, warnings};
use crate::cli::targets;
use crate::domain::{Area, Mode, Operation, Priority};

pub(crate) const PURGE_EXAMPLES: &str = "\
Examples:
  refreshd purge https://www.example.com/app.js https://www.example.com/
  refreshd purge --dir https://www.example.com/img/ --wait
  refreshd purge -f changed.txt --wait --timeout 30m --label release=42
  git diff --name-only | sed 's|^|https://www.example.com/|' | refreshd purge -f -";

pub(crate) const PREFETCH_EXAMPLES: &str = "\
Examples:
  refreshd prefetch https://www.example.com/video.mp4 --wait
  refreshd prefetch -f tonight.txt --not-before 2026-11-22T20:00:00Z --priority bulk";

pub(crate) const REFRESH_EXAMPLES: &str = "\
Examples:
  refreshd refresh https://www.example.com/app.js --wait
  refreshd refresh -f changed.txt --priority urgent --wait --json";

/// The arguments of all three operations.
#[derive(Debug, Args)]
pub struct SubmitArguments {
    /// https://h/ is the home page, with --dir the whole site
    #[arg(value_name = "URL", required_unless_present = "file")]
    pub targets: Vec<String>,
    /// The URLs are directories: everything below them
    #[arg(long = "dir")]
    pub directories: bool,
    /// More URLs, one per line, # for comments; - is stdin
    #[arg(short, long, value_name = "FILE|-")]
    pub file: Option<PathBuf>,
    /// Print the plan; nothing is sent or stored
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Wait for the job and its verification at the edge
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", requires = "wait", value_parser = parse_duration)]
    pub timeout: Duration,
    /// Which jobs are sent first
    #[arg(long, value_name = "P", value_parser = one_of(Priority::ALL.iter().map(|value| value.as_str())))]
    pub priority: Option<String>,
    /// Without it, the domain's own
    #[arg(long, value_name = "A", value_parser = area_values())]
    pub area: Option<String>,
    /// With --dir; invalidate trusts Last-Modified
    #[arg(long, value_name = "M", requires = "directories", value_parser = one_of(Mode::ALL.iter().map(|value| value.as_str())))]
    pub mode: Option<String>,
    /// A label to find the job by; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = parse_label)]
    pub labels: Vec<(String, String)>,
    /// A name for what makes the job, such as shop-deploy
    #[arg(long, value_name = "S")]
    pub source: Option<String>,
    /// Do not verify at the edge when the provider is done
    #[arg(long)]
    pub no_verify: bool,
    /// Items not sent by then expire (RFC 3339)
    #[arg(long, value_name = "T")]
    pub deadline: Option<String>,
    /// Nothing is sent before (RFC 3339)
    #[arg(long, value_name = "T")]
    pub not_before: Option<String>,
    /// The same key again makes no second job
    #[arg(long, value_name = "K", value_parser = parse_idempotency_key)]
    pub idempotency_key: Option<String>,
    /// Print the job as GET /v1/jobs/{id} answers it
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(operation: Operation, arguments: &SubmitArguments) -> Result<u8, CliError> {
    let body = build_body(operation, arguments)?;
    for warning in targets::directory_warnings(&body.urls) {
        terminal::note(&format!("warning: {warning}"));
    }
    if arguments.dry_run {
        return plan::run(&body, arguments.json).await;
    }
    let client = ApiClient::from_environment()?;
    let key = arguments.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let hint =
        format!("the job may have been stored; the same command with --idempotency-key {key} makes no second one");
    let job_id = OnceCell::new();
    Ok(run_interruptible(submit(&client, &body, &key, arguments, &job_id), &job_id, Some(&hint)).await)
}

async fn submit(
    client: &ApiClient,
    body: &JobBody,
    key: &str,
    arguments: &SubmitArguments,
    job_id: &OnceCell<String>,
) -> Result<u8, CliError> {
    let receipt = client.submit(body, key).await.map_err(|error| error.describe_pointers(body))?;
    // Set once, here.
    let _ = job_id.set(receipt.job.id.clone());
    print_notes(&receipt.job, body, receipt.replayed);
    let timeout = arguments.wait.then_some(arguments.timeout);
    finish_submission(client, receipt.job, timeout, arguments.json).await
}

fn print_notes(job: &JobAnswer, body: &JobBody, replayed: bool) {
    if replayed {
        terminal::note(&format!("this idempotency key belongs to {}; no second job was made", job.id));
    }
    for warning in warnings::of_body(&job.warnings, body) {
        terminal::note(&format!("warning: {warning}"));
    }
}

fn build_body(operation: Operation, arguments: &SubmitArguments) -> Result<JobBody, CliError> {
    let targets = targets::read(&arguments.targets, arguments.file.as_deref())?;
    let (urls, directories) = if arguments.directories { (Vec::new(), targets) } else { (targets, Vec::new()) };
    let mut labels = BTreeMap::new();
    for (key, value) in &arguments.labels {
        if labels.insert(key.clone(), value.clone()).is_some() {
            return Err(CliError::Usage(format!("--label {key} is set twice")));
        }
    }
    Ok(JobBody {
        operation: operation.as_str().to_owned(),
        urls,
        directories,
        mode: arguments.mode.clone(),
        area: arguments.area.clone(),
        priority: arguments.priority.clone(),
        not_before: arguments.not_before.clone(),
        deadline: arguments.deadline.clone(),
        labels,
        source: arguments.source.clone(),
        verify: arguments.no_verify.then_some(false),
        notify: None,
    })
}

/// All areas but `own`: a job without an area uses the domain's own.
fn area_values() -> PossibleValuesParser {
    one_of(Area::ALL.iter().filter(|area| **area != Area::Own).map(|area| area.as_str()))
}

fn parse_idempotency_key(text: &str) -> Result<String, String> {
    let valid = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(text.to_owned()) } else { Err("expected 1 to 255 visible ASCII characters, no spaces".to_owned()) }
}
