//! A diagnosis as text at 80 columns: the likeliest cause, what to do, other causes, and every check. Results are marked
//! by words, so that they can be read without colour.

use crate::api::routes::diagnoses::wire::{CauseAnswer, CheckAnswer, DiagnosisAnswer};
use crate::cli::output::report::{field, to_the_second, wrap};
use crate::domain::CheckResult;

pub(super) fn diagnosis_text(answer: &DiagnosisAnswer) -> String {
    let mut text = headline(answer);
    if let Some((_, others)) = answer.causes.split_first().filter(|(_, others)| !others.is_empty()) {
        text.push_str("\nIt may also be\n");
        others.iter().for_each(|cause| text.push_str(&other_cause(cause)));
    }
    text.push_str("\nChecks\n");
    text.push_str(&checks_text(&answer.checks));
    text.push('\n');
    text + &footer(answer)
}

/// The likeliest cause in one sentence, and what to do.
fn headline(answer: &DiagnosisAnswer) -> String {
    let unknown = answer.checks.iter().filter(|check| check.result == CheckResult::Unknown.as_str()).count();
    let mut text = match answer.causes.first() {
        Some(cause) => {
            let mut text = wrap(&cause.summary, 0);
            text.push_str(&wrap(&format!("({}: {})", cause.id, confidence_text(cause)), 1));
            text.push_str("\nWhat to do\n");
            text + &wrap(&format!("  {}", cause.action), 2)
        }
        None if answer.checks.len() == unknown => "No check could be made, so no cause is known.\n".to_owned(),
        None => match answer.first_warning() {
            Some(check) => wrap(&format!("Nothing certain, but: {}", check.seen), 0),
            None => "Nothing wrong was found.\n".to_owned(),
        },
    };
    if answer.cut_short {
        text.push_str("\nThe time limit came before all checks were made: run it again, it may find more.\n");
    } else if unknown > 0 && unknown < answer.checks.len() {
        let checks = if unknown == 1 { "check" } else { "checks" };
        text.push_str(&format!("\n{unknown} {checks} could not be made: see ? below.\n"));
    }
    text
}

fn confidence_text(cause: &CauseAnswer) -> String {
    let mut text = cause.confidence.clone();
    if !cause.checks.is_empty() {
        text.push_str(&format!(", by {}", cause.checks.join(", ")));
    }
    if !cause.against.is_empty() {
        text.push_str(&format!("; against it {}", cause.against.join(", ")));
    }
    text
}

fn other_cause(cause: &CauseAnswer) -> String {
    let mut text = wrap(&format!("  {} ({}): {}", cause.id, confidence_text(cause), cause.summary), 4);
    text.push_str(&wrap(&format!("    What to do: {}", cause.action), 4));
    text
}

const CHECK_WIDTH: usize = 27;

/// In their order. A text that is the same as that of the check before is printed once.
fn checks_text(checks: &[CheckAnswer]) -> String {
    let mut text = String::new();
    let mut previous: Option<&CheckAnswer> = None;
    for check in checks {
        let same = previous.is_some_and(|one| (&one.result, &one.seen) == (&check.result, &check.seen));
        let detail = if same { "(the same)" } else { &check.seen };
        text.push_str(&check_line(check, detail));
        previous = Some(check);
    }
    text
}

fn check_line(check: &CheckAnswer, detail: &str) -> String {
    let mut text = wrap(&format!("  {:<5} {:<19}{detail}", mark(&check.result), check.id), CHECK_WIDTH);
    let margin = " ".repeat(CHECK_WIDTH);
    if let Some(action) = &check.action {
        text.push_str(&wrap(&format!("{margin}-> {action}"), CHECK_WIDTH + 3));
    }
    if let (Some(page), true) = (&check.page, check.result != CheckResult::Ok.as_str()) {
        text.push_str(&wrap(&format!("{margin}see \"{page}\""), CHECK_WIDTH));
    }
    text
}

fn mark(result: &str) -> &str {
    match result.parse() {
        Ok(CheckResult::Ok) => "ok",
        Ok(CheckResult::Warn) => "warn",
        Ok(CheckResult::Fail) => "FAIL",
        Ok(CheckResult::Unknown) => "?",
        // A result of a newer daemon.
        Err(_) => result,
    }
}

fn footer(answer: &DiagnosisAnswer) -> String {
    let mut text = String::new();
    if let Some(job) = &answer.subject.job {
        text.push_str(&field("job", job));
    }
    if let Some(target) = &answer.target {
        // Not wrapped, so that it can be copied.
        text.push_str(&format!("{:<14}{target}\n", "target"));
    }
    text.push_str(&field(
        "checked",
        &format!("{} to {}", to_the_second(&answer.started_at), to_the_second(&answer.ended_at)),
    ));
    text + &field("diagnosis", &answer.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::routes::diagnoses::wire::SubjectAnswer;

    fn check(id: &str, result: &str, seen: &str) -> CheckAnswer {
        CheckAnswer {
            id: id.to_owned(),
            result: result.to_owned(),
            seen: seen.to_owned(),
            action: (result == "fail")
                .then(|| "Purge it again with mode delete, which does not ask for dates.".to_owned()),
            confidence: "certain".to_owned(),
            cause: None,
            page: (result == "fail").then(|| "Purge cache".to_owned()),
        }
    }

    fn cause(id: &str, confidence: &str) -> CauseAnswer {
        CauseAnswer {
            id: id.to_owned(),
            confidence: confidence.to_owned(),
            summary: "The origin's file kept its Last-Modified although its content changed, so the edge took its copy for new."
                .to_owned(),
            action: "Purge with --mode delete, or let the origin set Last-Modified when a file changes.".to_owned(),
            checks: vec!["edge_freshness".to_owned(), "request".to_owned()],
            against: Vec::new(),
        }
    }

    fn answer_with(causes: Vec<CauseAnswer>, checks: Vec<CheckAnswer>) -> DiagnosisAnswer {
        DiagnosisAnswer {
            id: "diag_0192f3a000007000800000000000002a".to_owned(),
            subject: SubjectAnswer {
                job: Some("job_0192f3a000007000800000000000002a".to_owned()),
                ..SubjectAnswer::default()
            },
            target: Some(format!("https://www.example.com/{}/app.js?v=1", "long/".repeat(20))),
            causes,
            checks,
            started_at: "2026-11-22T10:00:00.250Z".to_owned(),
            ended_at: "2026-11-22T10:00:03.125Z".to_owned(),
            cut_short: false,
        }
    }

    #[test]
    fn the_answer_comes_first_at_80_columns() {
        let mut against = cause("edge_stale", "possible");
        against.against = vec!["cname".to_owned()];
        let answer = answer_with(
            vec![cause("last_modified_unchanged", "likely"), against],
            vec![
                check("request", "ok", "a purge of a directory, in mode invalidate"),
                check("origin_certificate", "warn", "it ends in 12 days, on 2026-12-04T10:00:00Z"),
                check(
                    "edge_freshness",
                    "fail",
                    "the edge's ETag is \"a1\", the origin's is \"b2\"; Last-Modified of both is Sun, 22 Nov 2026 09:00:00 GMT",
                ),
                check("quota", "unknown", "the quota has not been read yet"),
            ],
        );
        let text = diagnosis_text(&answer);
        insta::assert_snapshot!(text, @r#"
    The origin's file kept its Last-Modified although its content changed, so the
    edge took its copy for new.
    (last_modified_unchanged: likely, by edge_freshness, request)

    What to do
      Purge with --mode delete, or let the origin set Last-Modified when a file
      changes.

    1 check could not be made: see ? below.

    It may also be
      edge_stale (possible, by edge_freshness, request; against it cname): The
        origin's file kept its Last-Modified although its content changed, so the
        edge took its copy for new.
        What to do: Purge with --mode delete, or let the origin set Last-Modified
        when a file changes.

    Checks
      ok    request            a purge of a directory, in mode invalidate
      warn  origin_certificate it ends in 12 days, on 2026-12-04T10:00:00Z
      FAIL  edge_freshness     the edge's ETag is "a1", the origin's is "b2";
                               Last-Modified of both is Sun, 22 Nov 2026 09:00:00
                               GMT
                               -> Purge it again with mode delete, which does not
                                  ask for dates.
                               see "Purge cache"
      ?     quota              the quota has not been read yet

    job           job_0192f3a000007000800000000000002a
    target        https://www.example.com/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long//app.js?v=1
    checked       2026-11-22T10:00:00Z to 2026-11-22T10:00:03Z
    diagnosis     diag_0192f3a000007000800000000000002a
    "#);
        let lines = text.lines().filter(|line| !line.contains("https://"));
        assert!(lines.into_iter().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn nothing_found_and_nothing_seen_are_told_apart() {
        let first = |answer: &DiagnosisAnswer| diagnosis_text(answer).lines().next().map(str::to_owned);
        let well = answer_with(Vec::new(), vec![check("request", "ok", "fine")]);
        assert_eq!(first(&well).as_deref(), Some("Nothing wrong was found."));
        let warned = answer_with(Vec::new(), vec![check("edge_certificate", "warn", "It ends in five hours.")]);
        assert_eq!(first(&warned).as_deref(), Some("Nothing certain, but: It ends in five hours."));
        let blind = answer_with(Vec::new(), vec![check("request", "unknown", "no")]);
        assert_eq!(first(&blind).as_deref(), Some("No check could be made, so no cause is known."));
        let cut = DiagnosisAnswer { cut_short: true, ..well };
        assert!(diagnosis_text(&cut).contains("run it again"));
        assert_eq!(mark("strange"), "strange");
        let blind =
            ["origin_name", "origin_connect", "origin_answer"].map(|id| check(id, "unknown", "no origin is known"));
        let lines = checks_text(&blind);
        assert_eq!(lines.matches("no origin is known").count(), 1, "{lines}");
        assert_eq!(lines.matches("(the same)").count(), 2, "{lines}");
    }
}
