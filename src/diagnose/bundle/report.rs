//! `report.md`: the diagnosis as a person reads it, with what a support ticket should hold.

use std::fmt::Write;

use super::BundleFile;
use super::times::both_of;
use crate::diagnose::wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer, SubjectAnswer};
use crate::domain::CheckResult;

/// Response headers by which the provider's support finds a request again.
const TRACE_HEADERS: [&str; 2] = ["x-nws-log-uuid", "x-nws-uuid-verify"];

pub(super) fn markdown(answer: &DiagnosisAnswer, evidence: &[BundleFile], version: &str) -> String {
    let mut text = format!("# Diagnosis {}\n\n", answer.id);
    let _ = match answer.causes.first() {
        Some(cause) => write!(text, "**{}**\n\nWhat to do: {}\n\n", cause.summary, cause.action),
        None if answer.checks.iter().all(|check| check.result == CheckResult::Unknown.as_str()) => {
            write!(text, "**Nothing could be seen, so nothing is known.**\n\n")
        }
        None => match answer.first_warning() {
            Some(check) => write!(text, "**Nothing certain, but: {}**\n\n", check.seen),
            None => write!(text, "**Nothing wrong was found, as far as could be seen.**\n\n"),
        },
    };
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "- {name}: {value}");
    };
    fact("asked about", &subject(&answer.subject));
    if let Some(target) = &answer.target {
        fact("looked at", &code(target));
    }
    fact("began", &both_of(&answer.started_at));
    fact("ended", &both_of(&answer.ended_at));
    if answer.cut_short {
        fact("cut short", "the deadline ended it before all was seen");
    }
    fact("made by", &format!("refreshd {version}"));
    causes(&mut text, &answer.causes);
    checks(&mut text, &answer.checks);
    ticket(&mut text, evidence);
    let _ = write!(text, "\n## Files\n\n");
    for file in evidence {
        let _ = writeln!(text, "- `{}`", file.name);
    }
    text
}

fn subject(subject: &SubjectAnswer) -> String {
    let parts = [("job", &subject.job), ("URL", &subject.url), ("host", &subject.host)];
    let named = parts.iter().find_map(|(name, value)| Some(format!("{name} {}", code(value.as_ref()?))));
    named.unwrap_or_else(|| "nothing".to_owned())
}

fn causes(text: &mut String, causes: &[CauseAnswer]) {
    let _ = write!(text, "\n## Causes, most likely first\n\n");
    if causes.is_empty() {
        text.push_str("None was found.\n");
    }
    for (place, cause) in causes.iter().enumerate() {
        let _ = writeln!(text, "{}. `{}` ({}): {}", place + 1, cause.id, cause.confidence, cause.summary);
        let _ = writeln!(text, "   What to do: {}", cause.action);
        for (name, checks) in [("Rests on", &cause.checks), ("Against it", &cause.against)] {
            if !checks.is_empty() {
                let _ = writeln!(text, "   {name}: {}", checks.join(", "));
            }
        }
    }
}

fn checks(text: &mut String, checks: &[CheckAnswer]) {
    let _ = write!(text, "\n## Checks\n\n| result | check | seen | what to do |\n|---|---|---|---|\n");
    for check in checks {
        let page = check.page.as_ref().map_or_else(String::new, |page| format!(" (see \"{page}\")"));
        let action = check.action.clone().unwrap_or_default() + &page;
        let _ = writeln!(text, "| {} | {} | {} | {} |", check.result, check.id, cell(&check.seen), cell(&action));
    }
}

/// What the provider's support asks for: domain, ids, times with zone, and by what its edge logged our look.
fn ticket(text: &mut String, evidence: &[BundleFile]) {
    let _ = write!(text, "\n## For a ticket\n\n");
    let sheet = evidence.iter().find(|file| file.name == "ticket.txt");
    for line in sheet.iter().flat_map(|file| file.text.lines()) {
        let _ = writeln!(text, "    {line}");
    }
    for file in evidence {
        let traces = file.text.lines().filter(|line| is_trace(line));
        for line in traces {
            let _ = writeln!(text, "    {} ({})", line.trim(), file.name);
        }
    }
    text.push_str("\nAdd where the symptom was seen from: address, region and network of the client.\n");
}

fn is_trace(line: &str) -> bool {
    let name = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).split(':').next().unwrap_or_default();
    TRACE_HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header))
}

/// As code, whatever stands in it.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// A cell of a table is one line without its border; markup of strangers is text.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => cell.push(' '),
            '|' | '<' | '[' | ']' | '*' | '`' | '\\' => cell.extend(['\\', c]),
            c => cell.push(c),
        }
    }
    cell
}
