//! A job as text at 80 columns: its state, items and history.

use std::collections::VecDeque;

use super::warnings;
use crate::api::wire::{CountsAnswer, ErrorAnswer, EventAnswer, EvidenceAnswer, ItemAnswer, JobAnswer};
use crate::cli::exit;
use crate::domain::{ItemState, JobStatus, Verification};

const WIDTH: usize = 80;
const NAME_WIDTH: usize = 14;

/// The items that are printed: those that failed, expired or are stale, and the first of the others.
#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) problems: Vec<ItemAnswer>,
    pub(crate) others: Vec<ItemAnswer>,
}

impl Selection {
    /// Adds items until there are `count` of each kind.
    pub(crate) fn add(&mut self, items: Vec<ItemAnswer>, count: usize) {
        for item in items {
            let list = if is_problem(&item) { &mut self.problems } else { &mut self.others };
            if list.len() < count {
                list.push(item);
            }
        }
    }
}

pub(crate) fn has_problem_items(job: &JobAnswer) -> bool {
    job.counts.failed + job.counts.expired > 0 || job.verification == Verification::Stale.as_str()
}

fn is_problem(item: &ItemAnswer) -> bool {
    [ItemState::Failed, ItemState::Expired].iter().any(|state| item.state == state.as_str())
        || item.verification == Verification::Stale.as_str()
}

/// The job's state: what is printed at the end of a wait.
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
            text.push_str(&field("", &format!("at most {} items are sent before", waiting.ahead)));
        }
    }
    text
}

/// One job of a list: a line in columns, and below it what is particular to this job.
pub(crate) fn list_entry(job: &JobAnswer) -> String {
    let created = job.created_at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let mut text = format!("{}  {:<8} {:<9} {created}Z\n", job.id, job.operation, job.status);
    let mut facts = vec![counts(&job.counts, 0)];
    let verified = exit::verification(job) != Some(Verification::None);
    if verified && exit::status(job).is_none_or(JobStatus::is_final) {
        facts.push(format!("verification {}", job.verification));
    }
    facts.extend(job.source.iter().map(|source| format!("source {source}")));
    facts.extend(job.labels.iter().map(|(key, value)| format!("{key}={value}")));
    text.push_str(&wrap(&format!("  {}", facts.join("; ")), 4));
    if let Some(waiting) = &job.waiting {
        let until = waiting.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
        text.push_str(&wrap(&format!("  waits: {}: {}{until}", waiting.reason, waiting.detail), 4));
    }
    text
}

/// `outcome`, and what was requested.
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

/// Only the items with problems.
pub(crate) fn problem_items(selection: &Selection, job: &JobAnswer) -> String {
    let mut text = String::new();
    for item in &selection.problems {
        text.push_str(&item_text(item));
    }
    let more = (job.counts.failed + job.counts.expired) as usize;
    text + &and_more(more.saturating_sub(selection.problems.len()), "that failed or expired")
}

/// Items with problems first, then the others.
pub(crate) fn items(selection: &Selection, job: &JobAnswer) -> String {
    let mut text = "\nItems\n".to_owned();
    for item in selection.problems.iter().chain(&selection.others) {
        text.push_str(&item_text(item));
    }
    let count = selection.problems.len() + selection.others.len();
    text + &and_more((job.counts.total as usize).saturating_sub(count), "(--json prints all)")
}

pub(crate) fn history(earlier: usize, events: &VecDeque<EventAnswer>) -> String {
    let mut text = "\nHistory\n".to_owned();
    if earlier > 0 {
        text.push_str(&format!("  {earlier} earlier events (--json prints all)\n"));
    }
    for event in events {
        let mut words = format!("{:<9} {}", event.kind, event.message);
        if let Some(count) = event.items {
            words.push_str(&format!(" ({count} {})", if count == 1 { "item" } else { "items" }));
        }
        if let Some(task) = &event.task_id {
            words.push_str(&format!(" task {task}"));
        }
        text.push_str(&wrap(&format!("  {}  {words}", event.at), 4));
        if let Some(error) = &event.error {
            text.push_str(&error_cause(error));
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

fn item_text(item: &ItemAnswer) -> String {
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
            text.push_str(&wrap(&format!("    {}", ids.join(", ")), 6));
        }
    }
    if let Some(evidence) = &item.seen
        && [Verification::Stale.as_str(), Verification::Unknown.as_str()].contains(&item.verification.as_str())
    {
        text.push_str(&evidence_text(&item.target, evidence));
    }
    text
}

/// Why the item is not fresh, with the ids that the provider's support asks for.
fn evidence_text(target: &str, evidence: &EvidenceAnswer) -> String {
    // The reason begins with the target, which is printed above it already.
    let reason =
        evidence.reason.strip_prefix(target).map_or(evidence.reason.as_str(), |rest| rest.trim_start_matches(": "));
    let ids: Vec<String> = evidence.edges.iter().filter_map(|edge| edge.log_id.clone()).collect();
    let ids = if ids.is_empty() { String::new() } else { format!(" (X-NWS-LOG-UUID {})", ids.join(", ")) };
    wrap(&format!("    observed {}: {reason}{ids}", evidence.at), 6)
}

fn error_text(error: &ErrorAnswer) -> String {
    error_cause(error) + &wrap(&format!("    {}", error.advice), 6)
}

fn error_cause(error: &ErrorAnswer) -> String {
    wrap(&format!("    {} ({}): {}", error.class, error.code, error.message), 6)
}

pub(crate) fn field(name: &str, value: &str) -> String {
    wrap(&format!("{name:<NAME_WIDTH$}{value}"), NAME_WIDTH)
}

/// An RFC 3339 time without fractions of a second.
pub(crate) fn to_the_second(moment: &str) -> String {
    moment.split_once('.').map_or_else(|| moment.to_owned(), |(whole, _)| format!("{whole}Z"))
}

/// Breaks lines at spaces and indents all but the first. A word that is longer than a line is not broken.
pub(crate) fn wrap(text: &str, indent: usize) -> String {
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
        let selection = Selection { problems: vec![failed.clone()], others: vec![fresh] };
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
                      at most 37 items are sent before
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
          and 23 more (--json prints all)

        History
          3 earlier events (--json prints all)
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
        assert!(item_text(&item(&long, "succeeded")).contains(&long));
        assert_eq!(wrap(&format!("why {long} not"), 2), format!("why\n  {long}\n  not\n"));
    }
}
