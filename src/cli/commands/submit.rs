//! `refreshd purge|prefetch|refresh`: submits a job, and follows it if asked to.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::plan;
use crate::api::wire::{JobAnswer, JobBody};
use crate::cli::arguments::SubmitArguments;
use crate::cli::client::wait::{finish_submission, run_interruptible};
use crate::cli::client::{ApiClient, RetryPolicy};
use crate::cli::error::CliError;
use crate::cli::output::{terminal, warnings};
use crate::cli::targets;
use crate::domain::Operation;

pub(crate) async fn run(operation: Operation, arguments: &SubmitArguments) -> Result<u8, CliError> {
    let body = body(operation, arguments)?;
    for doubt in targets::doubts(&body.urls) {
        terminal::note(&format!("warning: {doubt}"));
    }
    if arguments.dry_run {
        return plan::run(&body, arguments.json).await;
    }
    let client = ApiClient::from_environment()?;
    let key = arguments.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let doubt =
        format!("the job may have been kept; the same command with --idempotency-key {key} cannot make a second one");
    let known = OnceCell::new();
    Ok(run_interruptible(submit(&client, &body, &key, arguments, &known), &known, Some(&doubt)).await)
}

async fn submit(
    client: &ApiClient,
    body: &JobBody,
    key: &str,
    arguments: &SubmitArguments,
    known: &OnceCell<String>,
) -> Result<u8, CliError> {
    let patience = RetryPolicy::of(RetryPolicy::TRIES, &terminal::note);
    let accepted = client.submit(body, key, patience).await.map_err(|fault| fault.naming(body))?;
    // Set once, here.
    let _ = known.set(accepted.job.id.clone());
    tell(&accepted.job, body, accepted.replayed);
    let waiting = arguments.wait.then_some(arguments.timeout);
    finish_submission(client, accepted.job, waiting, arguments.json).await
}

fn tell(job: &JobAnswer, body: &JobBody, replayed: bool) {
    if replayed {
        terminal::note(&format!("this key named {} before; no second job was made", job.id));
    }
    for warning in warnings::of_body(&job.warnings, body) {
        terminal::note(&format!("warning: {warning}"));
    }
}

fn body(operation: Operation, arguments: &SubmitArguments) -> Result<JobBody, CliError> {
    let targets = targets::read(&arguments.targets, arguments.file.as_deref())?;
    let (urls, directories) = if arguments.directories { (Vec::new(), targets) } else { (targets, Vec::new()) };
    let mut labels = BTreeMap::new();
    for (key, value) in &arguments.labels {
        if labels.insert(key.clone(), value.clone()).is_some() {
            return Err(CliError::Usage(format!("--label {key} is given twice")));
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
