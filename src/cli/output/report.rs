//! A job in words, for a person at 80 columns.

use std::collections::VecDeque;

use super::warnings;
use crate::api::wire::{CountsAnswer, ErrorAnswer, EventAnswer, EvidenceAnswer, ItemAnswer, JobAnswer};
use crate::cli::client::{ApiClient, RetryPolicy};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::domain::{ItemState, JobStatus, Verification};

const WIDTH: usize = 80;
const NAME_WIDTH: usize = 14;
/// Pages (of 500 items) that are searched for troubled items before a person has waited long enough.
const SEARCHED_PAGES_MAX: usize = 100;

/// Items worth a person's look: troubled ones, and the first of the others.
pub(crate) struct Selection {
    troubled: Vec<ItemAnswer>,
    others: Vec<ItemAnswer>,
}

impl Selection {
    /// Reads until `wanted` items of either kind are found, or it is plain that there are no more.
    pub(crate) async fn read(
        client: &ApiClient,
        job: &JobAnswer,
        count: usize,
        patience: RetryPolicy<'_>,
    ) -> Result<Self, CliError> {
        let (mut selection, mut cursor) = (Self { troubled: Vec::new(), others: Vec::new() }, None);
        for _ in 0..SEARCHED_PAGES_MAX {
            let page = client.items(&job.id, cursor.as_deref(), patience).await?;
            for item in page.items {
                let kind = if is_troubled(&item) { &mut selection.troubled } else { &mut selection.others };
                if kind.len() < count {
                    kind.push(item);
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() || selection.troubled.len() == count || !has_troubled(job) {
                break;
            }
        }
        selection.others.truncate(count - selection.troubled.len());
        Ok(selection)
    }
}

pub(crate) fn has_troubled(job: &JobAnswer) -> bool {
    job.counts.failed + job.counts.expired > 0 || job.verification == Verification::Stale.as_str()
}

fn is_troubled(item: &ItemAnswer) -> bool {
    [ItemState::Failed, ItemState::Expired].iter().any(|state| item.state == state.as_str())
        || item.verification == Verification::Stale.as_str()
}

/// How a job came out, or stands: a line for each fact that matters at the end of a wait.
pub(crate) fn outcome(job: &JobAnswer) -> String {
    let mut text = format!("{}: {} {}\n", job.id, job.operation, job.status);
    text.push_str(&field("items", &counts(&job.counts, job.merged)));
    text.push_str(&field("verification", &job.verification));
    if let Some(waiting) = &job.waiting {
        text.push_str(&field("waiting", &format!("{}: {}", waiting.reason, waiting.detail)));
        if let Some(until) = &waiting.until {
            text.push_str(&field("", &format!("until {until}")));
        }
        if waiting.ahead > 0 {
            text.push_str(&field("", &format!("at most {} items leave before", waiting.ahead)));
        }
    }
    text
}

/// One job of a list: a line that is alike for all, and below it what tells this one from the others.
pub(crate) fn listed(job: &JobAnswer) -> String {
    let created = job.created_at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let mut text = format!("{}  {:<8} {:<9} {created}Z\n", job.id, job.operation, job.status);
    let mut facts = vec![counts(&job.counts, 0)];
    let result = exit::verification(job) != Some(Verification::None);
    if result && exit::status(job).is_none_or(JobStatus::is_final) {
        facts.push(format!("verification {}", job.verification));
    }
    facts.extend(job.source.iter().map(|source| format!("source {source}")));
    facts.extend(job.labels.iter().map(|(key, value)| format!("{key}={value}")));
    text.push_str(&wrapped(&format!("  {}", facts.join("; ")), 4));
    if let Some(waiting) = &job.waiting {
        let until = waiting.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
        text.push_str(&wrapped(&format!("  waits: {}: {}{until}", waiting.reason, waiting.detail), 4));
    }
    text
}

/// `outcome`, and all that was asked.
pub(crate) fn head(job: &JobAnswer) -> String {
    let labels: Vec<String> = job.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let labels = (!labels.is_empty()).then(|| labels.join(" "));
    let mut text = outcome(job);
    for (name, value) in [
        ("priority", Some(&*job.priority)),
        ("labels", labels.as_deref()),
        ("source", job.source.as_deref()),
        ("tenant", Some(&*job.tenant)),
        ("retry of", job.retry_of.as_deref()),
        ("created", Some(&*job.created_at)),
        ("not before", job.not_before.as_deref()),
        ("deadline", job.deadline.as_deref()),
        ("finished", job.finished_at.as_deref()),
    ] {
        if let Some(value) = value {
            text.push_str(&field(name, value));
        }
    }
    for warning in warnings::lines(&job.warnings, str::to_owned) {
        text.push_str(&field("warning", &warning));
    }
    text
}

/// The troubled items alone.
pub(crate) fn troubled(selection: &Selection, job: &JobAnswer) -> String {
    let mut text = String::new();
    for item in &selection.troubled {
        text.push_str(&one(item));
    }
    let more = (job.counts.failed + job.counts.expired) as usize;
    text + &and_more(more.saturating_sub(selection.troubled.len()), "that failed or expired")
}

/// Troubled items first, then others.
pub(crate) fn items(selection: &Selection, job: &JobAnswer) -> String {
    let mut text = "\nItems\n".to_owned();
    for item in selection.troubled.iter().chain(&selection.others) {
        text.push_str(&one(item));
    }
    let count = selection.troubled.len() + selection.others.len();
    text + &and_more((job.counts.total as usize).saturating_sub(count), "(all of them: --json)")
}

pub(crate) fn history(earlier: usize, events: &VecDeque<EventAnswer>) -> String {
    let mut text = "\nHistory\n".to_owned();
    if earlier > 0 {
        text.push_str(&format!("  {earlier} earlier events (all of them: --json)\n"));
    }
    for event in events {
        let mut words = format!("{:<9} {}", event.kind, event.message);
        if let Some(count) = event.items {
            words.push_str(&format!(" ({count} {})", if count == 1 { "item" } else { "items" }));
        }
        if let Some(task) = &event.task_id {
            words.push_str(&format!(" task {task}"));
        }
        text.push_str(&wrapped(&format!("  {}  {words}", event.at), 4));
        if let Some(error) = &event.error {
            text.push_str(&cause(error));
        }
    }
    text
}

fn and_more(count: usize, which: &str) -> String {
    if count == 0 { String::new() } else { format!("  and {count} more {which}\n") }
}

fn counts(counts: &CountsAnswer, merged: u32) -> String {
    let states = [
        (counts.succeeded, "succeeded"),
        (counts.failed, "failed"),
        (counts.expired, "expired"),
        (counts.cancelled, "cancelled"),
        (counts.submitted, "submitted"),
        (counts.pending, "pending"),
    ];
    let parts: Vec<String> =
        states.iter().filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}")).collect();
    let merged = if merged > 0 { format!(" ({merged} equal targets merged)") } else { String::new() };
    format!("{}; {} in all{merged}", parts.join(", "), counts.total)
}

fn one(item: &ItemAnswer) -> String {
    let mut state = item.state.clone();
    if ![Verification::None.as_str(), Verification::Pending.as_str()].contains(&item.verification.as_str()) {
        state.push_str(&format!(", {}", item.verification));
    }
    let kind = if item.kind == "url" { "" } else { "directory " };
    // A target stands alone at the end of its line, however long, so that it can be copied.
    let mut text = format!("  {state:<18} {} {kind}{}\n", item.operation, item.target);
    if let Some(error) = &item.error {
        text.push_str(&error_text(error));
        let ids = [("task", &item.task_id), ("request", &item.request_id)];
        let ids: Vec<String> = ids.iter().filter_map(|(name, id)| Some(format!("{name} {}", id.as_ref()?))).collect();
        if !ids.is_empty() {
            text.push_str(&wrapped(&format!("    {}", ids.join(", ")), 6));
        }
    }
    if let Some(seen) = &item.seen
        && [Verification::Stale.as_str(), Verification::Unknown.as_str()].contains(&item.verification.as_str())
    {
        text.push_str(&doubt(&item.target, seen));
    }
    text
}

/// Why it is not fresh, and what support asks for.
fn doubt(target: &str, seen: &EvidenceAnswer) -> String {
    // The reason begins with the target, which stands above it already.
    let reason = seen.reason.strip_prefix(target).map_or(seen.reason.as_str(), |rest| rest.trim_start_matches(": "));
    let ids: Vec<String> = seen.edges.iter().filter_map(|edge| edge.log_id.clone()).collect();
    let ids = if ids.is_empty() { String::new() } else { format!(" (X-NWS-LOG-UUID {})", ids.join(", ")) };
    wrapped(&format!("    seen {}: {reason}{ids}", seen.at), 6)
}

fn error_text(error: &ErrorAnswer) -> String {
    cause(error) + &wrapped(&format!("    {}", error.advice), 6)
}

fn cause(error: &ErrorAnswer) -> String {
    wrapped(&format!("    {} ({}): {}", error.class, error.code, error.message), 6)
}

pub(crate) fn field(name: &str, value: &str) -> String {
    wrapped(&format!("{name:<NAME_WIDTH$}{value}"), NAME_WIDTH)
}

/// An RFC 3339 moment without the parts of its second.
pub(crate) fn to_the_second(moment: &str) -> String {
    moment.split_once('.').map_or_else(|| moment.to_owned(), |(whole, _)| format!("{whole}Z"))
}

/// Breaks at spaces; lines after the first are indented. A word that is longer than a line stays whole.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    for whole in text.lines() {
        let (mut line, mut width) = (String::new(), 0);
        for word in whole.split(' ') {
            let length = word.chars().count();
            if width + length > WIDTH && !line.trim().is_empty() {
                lines.push_str(line.trim_end());
                lines.push('\n');
                line = " ".repeat(indent);
                width = indent;
            }
            line.push_str(word);
            line.push(' ');
            width += length + 1;
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::wire::WaitingAnswer;
    use crate::cli::test_fixtures::{item, job};

    #[test]
    fn a_job_is_told_at_80_columns_with_trouble_first() {
        let mut job = job("running", "pending");
        job.counts =
            CountsAnswer { total: 25, pending: 4, submitted: 0, succeeded: 20, failed: 1, cancelled: 0, expired: 0 };
        job.merged = 2;
        job.labels = BTreeMap::from([("release".to_owned(), "2026.11.22-3".to_owned())]);
        job.waiting = Some(WaitingAnswer {
            reason: "day_quota".into(),
            detail: "the day quota for directories of account main is spent, and the reserve is for urgent jobs"
                .to_owned(),
            until: Some("2026-11-22T16:00:00Z".to_owned()),
            ahead: 37,
        });
        let mut failed = item("https://www.example.com/app.js", "failed");
        (failed.task_id, failed.request_id) = (Some("17".to_owned()), Some("r-1".to_owned()));
        let mut fresh = item("https://www.example.com/", "succeeded");
        (fresh.kind, fresh.verification) = ("directory".to_owned(), "fresh".to_owned());
        let selection = Selection { troubled: vec![failed.clone()], others: vec![fresh] };
        let event = EventAnswer {
            seq: 1,
            at: "2026-11-22T10:00:01.250Z".to_owned(),
            kind: "settled".to_owned(),
            message: "the provider ended the task".to_owned(),
            items: Some(1),
            submission: Some(4),
            task_id: Some("17".to_owned()),
            error: failed.error,
        };
        let text = head(&job) + &items(&selection, &job) + &history(3, &VecDeque::from([event]));
        insta::assert_snapshot!(text, @r"
        job_0192f3a000007000800000000000002a: purge running
        items         20 succeeded, 1 failed, 4 pending; 25 in all (2 equal targets
                      merged)
        verification  pending
        waiting       day_quota: the day quota for directories of account main is spent,
                      and the reserve is for urgent jobs
                      until 2026-11-22T16:00:00Z
                      at most 37 items leave before
        priority      normal
        labels        release=2026.11.22-3
        tenant        local
        created       2026-11-22T10:00:00Z

        Items
          failed             purge https://www.example.com/app.js
            domain_state (ResourceUnavailable.CdnHostIsNotOnline): the domain is not
              online
            Bring the domain back online in the provider's console, or finish its
              migration, then retry.
            task 17, request r-1
          succeeded, fresh   purge directory https://www.example.com/
          and 23 more (all of them: --json)

        History
          3 earlier events (all of them: --json)
          2026-11-22T10:00:01.250Z  settled   the provider ended the task (1 item) task
            17
            domain_state (ResourceUnavailable.CdnHostIsNotOnline): the domain is not
              online
        ");
        let lines = text.lines().filter(|line| !line.contains("https://"));
        assert!(lines.into_iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn a_target_is_never_broken() {
        let long = format!("https://h/{}", "a".repeat(200));
        assert!(one(&item(&long, "succeeded")).contains(&long));
        assert_eq!(wrapped(&format!("why {long} not"), 2), format!("why\n  {long}\n  not\n"));
    }
}
