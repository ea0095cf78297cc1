//! `refreshd purge|prefetch|refresh`: submits a job, and follows it if asked to.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::arguments::SubmitArguments;
use super::client::{Client, Patience};
use super::exit;
use super::fault::{Fault, written_at};
use super::follow::follow;
use super::progress::Progress;
use super::report::{self, Selection};
use super::{plan, targets, terminal};
use crate::api::wire::{JobAnswer, JobBody};
use crate::domain::{Operation, Verification};

/// Troubled items that a summary names.
const NAMED_MAX: usize = 5;

pub(super) async fn run(operation: Operation, arguments: &SubmitArguments) -> Result<u8, Fault> {
    let body = body(operation, arguments)?;
    for doubt in targets::doubts(&body.urls) {
        terminal::note(&format!("warning: {doubt}"));
    }
    if arguments.dry_run {
        return plan::run(&body, arguments.json).await;
    }
    let client = Client::from_environment()?;
    let key = arguments.idempotency_key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let known = OnceCell::new();
    let ended = tokio::select! {
        ended = submit(&client, &body, &key, arguments, &known) => ended,
        () = interrupt() => {
            terminal::note("interrupted");
            Ok(exit::INTERRUPTED)
        }
    };
    let interrupted = matches!(ended, Ok(exit::INTERRUPTED));
    let failed = ended.is_err();
    let doubtful = interrupted || ended.as_ref().is_err_and(Fault::leaves_doubt);
    // Told first what happened, then what can be done about it.
    let code = ended.unwrap_or_else(|fault| fault.report());
    match known.get() {
        Some(id) if interrupted || failed => {
            terminal::note(&format!("the job goes on at the daemon; look with: refreshd job {id}"));
        }
        None if doubtful => terminal::note(&format!(
            "the job may have been kept; the same command with --idempotency-key {key} cannot make a second one"
        )),
        _ => {}
    }
    Ok(code)
}

async fn submit(
    client: &Client,
    body: &JobBody,
    key: &str,
    arguments: &SubmitArguments,
    known: &OnceCell<String>,
) -> Result<u8, Fault> {
    let patience = Patience { tries_max: Patience::TRIES, told: &terminal::note };
    let accepted = client.submit(body, key, patience).await.map_err(|fault| fault.naming(body))?;
    let mut job = accepted.job;
    // Set once, here.
    let _ = known.set(job.id.clone());
    tell(&job, body, accepted.replayed);
    if !arguments.wait {
        if arguments.json {
            terminal::print_json(&job)?;
        } else {
            terminal::print(&format!("{}\n", job.id))?;
        }
        return Ok(exit::SUCCEEDED);
    }
    terminal::note(&format!("{}: {} accepted", job.id, job.operation));
    let progress = Progress::of_stderr();
    let settled = follow(client, &mut job, arguments.timeout, &progress).await?;
    if arguments.json {
        terminal::print_json(&job)?;
    } else {
        terminal::print(&summary(client, &job).await)?;
    }
    if !settled {
        terminal::note(&format!(
            "not settled at the timeout; it goes on at the daemon, look with: refreshd job {}",
            job.id
        ));
    } else if exit::of_job(&job) == exit::SUCCEEDED && exit::verification(&job) == Some(Verification::Unknown) {
        terminal::note("warning: the provider is done, but the edge could not be compared with the origin");
    }
    Ok(exit::of_job(&job))
}

fn tell(job: &JobAnswer, body: &JobBody, replayed: bool) {
    if replayed {
        terminal::note(&format!("this key named {} before; no second job was made", job.id));
    }
    for warning in &job.warnings {
        terminal::note(&format!("warning: {}: {}", written_at(&warning.pointer, body), warning.detail));
    }
}

/// What came of it. If the items cannot be had now, the rest is told all the same.
async fn summary(client: &Client, job: &JobAnswer) -> String {
    let mut text = report::outcome(job);
    if report::has_troubled(job) {
        let patience = Patience { tries_max: Patience::TRIES, told: &terminal::note };
        match Selection::read(client, job, NAMED_MAX, patience).await {
            Ok(selection) => text.push_str(&report::troubled(&selection, job)),
            Err(fault) => terminal::note(&format!("warning: the items cannot be shown: {fault}")),
        }
    }
    text
}

fn body(operation: Operation, arguments: &SubmitArguments) -> Result<JobBody, Fault> {
    let targets = targets::read(&arguments.targets, arguments.file.as_deref())?;
    let (urls, directories) = if arguments.directories { (Vec::new(), targets) } else { (targets, Vec::new()) };
    let mut labels = BTreeMap::new();
    for (key, value) in &arguments.labels {
        if labels.insert(key.clone(), value.clone()).is_some() {
            return Err(Fault::Usage(format!("--label {key} is given twice")));
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

/// Returns at Ctrl-C; never, if that cannot be listened for.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
