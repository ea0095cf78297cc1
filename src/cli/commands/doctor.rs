//! `refreshd doctor`: one round of the monitor, from the configuration alone; a daemon may run or not.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::api::routes::findings::answer;
use crate::api::routes::findings::wire::{FindingAnswer, FindingsAnswer};
use crate::cli::arg_values::ConfigFile;
use crate::cli::exit;
use crate::cli::output::report::wrap;
use crate::cli::output::terminal;
use crate::clock::SystemClock;
use crate::config::{Config, environment};
use crate::daemon;
use crate::domain::CheckResult;
use crate::telemetry::{self, LogFormat, error_chain};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd doctor
  refreshd doctor --config /etc/refreshd/refreshd.toml && systemctl start refreshd";

pub(crate) const CODES: &str = "\
Reads the configuration as serve does and checks every account (key, clock,
quota) and every routed domain (state, CNAME, origin, certificates). It needs no
daemon and does not disturb one, but uses part of the provider's call rate. A
running daemon does the same every patrol.every: GET /v1/findings.

Exit codes: 0 no check failed (warnings are allowed); 1 a check failed; 2 usage;
74 the checks could not start now, try again; 78 bad configuration.";

#[derive(Debug, Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Print what GET /v1/findings answers
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(arguments: &DoctorArguments) -> ExitCode {
    // Fails if a subscriber is installed already, which is as good.
    let _ = telemetry::init(LogFormat::of_stderr(), telemetry::FILTER_QUIET);
    let start = async {
        let config = Config::load(arguments.file.config.as_deref(), environment(), daemon::provider_limits)?;
        for warning in &config.warnings {
            terminal::note(&format!("warning: {warning}"));
        }
        daemon::standalone_monitor(&config, Arc::new(SystemClock::default())).await
    };
    let monitor = match start.await {
        Ok(monitor) => monitor,
        Err(error) => {
            terminal::note(&format!("refreshd: nothing could be checked:\n{}", error_chain(&error)));
            return ExitCode::from(error.exit_code());
        }
    };
    monitor.round().await;
    let (findings, rounded_at) = monitor.findings();
    let answer = answer(&findings, rounded_at);
    let result = if arguments.json { terminal::print_json(&answer) } else { terminal::print(&findings_table(&answer)) };
    match result {
        Err(error) => {
            terminal::note(&format!("refreshd: standard output cannot be written: {error}"));
            ExitCode::from(exit::OUTPUT_FAILED)
        }
        Ok(()) => ExitCode::from(exit_code(&answer)),
    }
}

fn count(answer: &FindingsAnswer, result: CheckResult) -> usize {
    answer.items.iter().filter(|finding| finding.result == result.as_str()).count()
}

fn exit_code(answer: &FindingsAnswer) -> u8 {
    if count(answer, CheckResult::Fail) == 0 { exit::SUCCEEDED } else { exit::NOTHING_SUCCEEDED }
}

/// The verdict, then every check, failed ones first.
fn findings_table(answer: &FindingsAnswer) -> String {
    if answer.items.is_empty() {
        return "there is nothing to check: no account is configured\n".to_owned();
    }
    let [fails, warns, unknown, ok] = [CheckResult::Fail, CheckResult::Warn, CheckResult::Unknown, CheckResult::Ok]
        .map(|result| count(answer, result));
    let verdict = match (fails, warns) {
        (0, 0) => "Nothing is broken",
        (0, _) => "Nothing is broken, but there are warnings",
        _ => "Something is broken",
    };
    let mut text = wrap(&format!("{verdict}: {fails} failed, {warns} with a warning, {unknown} unknown, {ok} ok."), 0);
    let mut subject = None;
    for finding in &answer.items {
        if subject != Some(&finding.subject) {
            subject = Some(&finding.subject);
            text.push_str(&format!("\n{}\n", finding.subject));
        }
        text.push_str(&line(finding));
    }
    text
}

const FINDING_WIDTH: usize = 27;

fn line(finding: &FindingAnswer) -> String {
    let mark = match finding.result.as_str() {
        "fail" => "FAIL",
        "unknown" => "?",
        other => other,
    };
    let mut text = wrap(&format!("  {mark:<5} {:<19}{}", finding.check, finding.seen), FINDING_WIDTH);
    if let Some(action) = &finding.action {
        text.push_str(&wrap(&format!("{}-> {action}", " ".repeat(FINDING_WIDTH)), FINDING_WIDTH + 3));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(subject: &str, check: &str, result: &str) -> FindingAnswer {
        FindingAnswer {
            account: "main".to_owned(),
            subject: subject.to_owned(),
            check: check.to_owned(),
            result: result.to_owned(),
            seen: "the certificate ends in 2 days, on 2026-11-24T10:00:00Z; it is for www.example.com".to_owned(),
            action: (result == "fail").then(|| "Renew it and load it at the origin.".to_owned()),
            since: "2026-11-22T10:00:00.000Z".to_owned(),
            checked_at: "2026-11-22T10:00:00.000Z".to_owned(),
        }
    }

    fn findings(items: Vec<FindingAnswer>) -> FindingsAnswer {
        FindingsAnswer { items, next_cursor: None, rounded_at: None }
    }

    #[test]
    fn what_is_broken_is_told_first_at_80_columns() {
        let answer = findings(vec![
            finding("domain www.example.com", "origin_certificate", "fail"),
            finding("account main", "clock", "warn"),
            finding("account main", "permission", "ok"),
            finding("domain www.example.com", "cname", "unknown"),
        ]);
        let text = findings_table(&answer);
        insta::assert_snapshot!(text, @r"
    Something is broken: 1 failed, 1 with a warning, 1 unknown, 1 ok.

    domain www.example.com
      FAIL  origin_certificate the certificate ends in 2 days, on
                               2026-11-24T10:00:00Z; it is for www.example.com
                               -> Renew it and load it at the origin.

    account main
      warn  clock              the certificate ends in 2 days, on
                               2026-11-24T10:00:00Z; it is for www.example.com
      ok    permission         the certificate ends in 2 days, on
                               2026-11-24T10:00:00Z; it is for www.example.com

    domain www.example.com
      ?     cname              the certificate ends in 2 days, on
                               2026-11-24T10:00:00Z; it is for www.example.com
    ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(exit_code(&answer), 1);
        assert_eq!(exit_code(&findings(vec![finding("account main", "clock", "warn")])), 0);
    }
}
