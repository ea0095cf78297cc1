//! What a case itself has to show: the facts that a ticket asks for, the times, the account and the domain.

use std::fmt::Write;

use super::times::{both, china, utc};
use crate::diagnose::{DiagnosisInput, JobContext, KnownDomainState, PoolSnapshot};
use crate::domain::{Attachment, Diagnosis, Failure, Timestamp};
use crate::provider::{DomainFacts, Origin};

/// A file for each side of the case.
#[must_use]
pub fn attachments_from_input(case: &DiagnosisInput, diagnosis: &Diagnosis) -> Vec<Attachment> {
    [
        ("ticket.txt", ticket(case)),
        ("timeline.txt", timeline(case, diagnosis)),
        ("account.txt", account(case)),
        ("domain.txt", domain(&case.circumstances.domain)),
    ]
    .map(|(name, text)| Attachment { name: name.to_owned(), text })
    .into()
}

/// `name: value` lines; what is not known is left out.
struct Sheet(String);

impl Sheet {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:<22}{value}", format!("{name}:"));
    }

    fn maybe(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn failure(&mut self, name: &str, failure: &Failure) {
        self.line(name, format!("{} ({}): {}", failure.code, failure.class, failure.message));
        self.maybe("  request id", failure.request_id.as_ref());
    }
}

/// What the provider's support asks for first.
fn ticket(case: &DiagnosisInput) -> String {
    let mut sheet = Sheet(String::new());
    sheet.line("domain", case.target.host());
    sheet.line("target", &case.target);
    sheet.line("kind", case.target.kind());
    sheet.maybe("account", case.circumstances.account.as_ref().map(|account| account.name.clone()));
    let Some(request) = &case.request else {
        sheet.line("request", "none of this daemon's in the last days");
        return sheet.0;
    };
    sheet.line("job", request.job);
    sheet.line("operation", request.operation);
    sheet.line("asked for as", request.kind);
    sheet.maybe("named by the job", Some(&request.named).filter(|named| **named != case.target));
    sheet.maybe("mode", request.mode);
    sheet.line("area", request.area.map_or_else(|| "the domain's own".to_owned(), |area| area.to_string()));
    sheet.line("state", request.state);
    sheet.line("verification", request.verification);
    sheet.maybe("task id", request.task_id.as_ref());
    sheet.maybe("request id", request.request_id.as_ref());
    if let Some(failure) = &request.failure {
        sheet.failure("error", failure);
    }
    sheet.line("accepted", both(request.created_at));
    sheet.maybe("sent", request.submitted_at.map(both));
    sheet.maybe("job finished", request.finished_at.map(both));
    if let Some(hold) = &request.waiting {
        let until = hold.until.map_or_else(String::new, |until| format!(", until {}", both(until)));
        sheet.line("waits", format!("{}: {}{until}", hold.reason, hold.detail));
    }
    for (class, code, items) in &request.failures {
        sheet.line("of the whole job", format!("{items} failed with {code} ({class})"));
    }
    sheet.0
}

fn timeline(case: &DiagnosisInput, diagnosis: &Diagnosis) -> String {
    let mut moments: Vec<(Timestamp, String)> = case.request.as_ref().map(moments).unwrap_or_default();
    moments.push((diagnosis.started_at, "the diagnosis began".to_owned()));
    moments.push((diagnosis.ended_at, "the diagnosis ended".to_owned()));
    moments.sort_by_key(|(at, _)| *at);
    let mut text = format!("{:<26}{:<27}what\n", "UTC", "UTC+8");
    for (at, what) in moments {
        let _ = writeln!(text, "{:<26}{:<27}{what}", utc(at), china(at));
    }
    text
}

fn moments(request: &JobContext) -> Vec<(Timestamp, String)> {
    let mut moments = vec![(request.created_at, format!("the job was accepted ({})", request.job))];
    moments.extend(request.submitted_at.map(|at| (at, "the last call with the target was made".to_owned())));
    moments.extend(request.attempts.iter().map(|attempt| (attempt.at, attempt.what.clone())));
    moments
}

fn account(case: &DiagnosisInput) -> String {
    let mut sheet = Sheet(String::new());
    let Some(account) = &case.circumstances.account else {
        sheet.line("account", format!("no route leads from {} to one", case.target.host()));
        return sheet.0;
    };
    sheet.line("account", &account.name);
    match &account.paused {
        Some(failure) => sheet.failure("paused by", failure),
        None => sheet.line("paused", "no"),
    }
    for (action, failure) in &account.refused_actions {
        sheet.failure(action, failure);
    }
    for (operation, failure) in &account.unread_quotas {
        sheet.failure(&format!("{operation} quota unread"), failure);
    }
    let skew = account.skew_millis.map(|millis| format!("{millis} ms (the provider's clock less ours)"));
    sheet.line("clock", skew.unwrap_or_else(|| "the provider's time is not known yet".to_owned()));
    sheet.maybe("last throttled", account.throttled_at.map(both));
    for pool in &case.circumstances.pools {
        sheet.line("pool", pool_line(pool));
    }
    sheet.0
}

fn pool_line(pool: &PoolSnapshot) -> String {
    let PoolSnapshot { name, total, available, ours, batch, .. } = pool;
    format!(
        "{name}: {available} of {total} left, {ours} sent by this daemon today, {batch} a call; resets {}; read {}",
        both(pool.resets_at),
        utc(pool.read_at)
    )
}

fn domain(state: &KnownDomainState) -> String {
    let mut sheet = Sheet(String::new());
    match state {
        KnownDomainState::NotYet => sheet.line("domain", "the provider has not been asked about it"),
        KnownDomainState::Failed(failure) => sheet.failure("not known", failure),
        KnownDomainState::NoSuchDomain => sheet.line("domain", "the account has none that serves this host"),
        KnownDomainState::Facts(facts) => facts_into(&mut sheet, facts),
    }
    sheet.0
}

fn facts_into(sheet: &mut Sheet, facts: &DomainFacts) {
    sheet.line("domain", &facts.name);
    sheet.maybe("status", facts.status.as_ref());
    sheet.maybe("area", facts.area.as_ref());
    sheet.maybe("cname", facts.cname.as_ref());
    sheet.maybe("service", facts.service.as_ref());
    sheet.maybe("switched off because", facts.disabled.as_ref());
    sheet.maybe("locked", facts.locked.as_ref());
    if let Some(Origin { kind, addresses, backups, server_name, protocol }) = &facts.origin {
        sheet.maybe("origin kind", kind.as_ref());
        for (name, addresses) in [("origin", addresses), ("backup origin", backups)] {
            for address in addresses {
                let port = address.port.map_or_else(String::new, |port| format!(":{port}"));
                sheet.line(name, format!("{}{port}", address.host));
            }
        }
        sheet.maybe("Host sent to it", server_name.as_ref());
        sheet.maybe("protocol", protocol.as_ref());
    }
    // Rules are many and rarely read: whole, and not pretty.
    sheet.maybe("cache key", facts.cache_key.as_ref().map(|key| format!("{key:?}")));
    for rule in facts.cache_rules.iter().flatten() {
        sheet.line("cache rule", format!("{rule:?}"));
    }
}
