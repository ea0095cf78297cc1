//! The warnings of a job or a plan as lines of text: the first ten, since a large job can have many alike.

use super::pointer::describe_pointer;
use crate::api::wire::{JobBody, WarningAnswer};

/// Warnings that are printed; the rest is counted.
const LINES_MAX: usize = 10;

/// The first warnings, then how many more there are. `place` names what a pointer is to.
pub(crate) fn lines(warnings: &[WarningAnswer], place: impl Fn(&str) -> String) -> Vec<String> {
    let mut lines: Vec<String> = warnings.iter().take(LINES_MAX).map(|warning| line(warning, &place)).collect();
    if warnings.len() > LINES_MAX {
        lines.push(format!("and {} more (--json prints all)", warnings.len() - LINES_MAX));
    }
    lines
}

/// The same, with each pointer named by what is written there in `body`.
pub(crate) fn of_body(warnings: &[WarningAnswer], body: &JobBody) -> Vec<String> {
    lines(warnings, |pointer| describe_pointer(pointer, body))
}

fn line(warning: &WarningAnswer, place: impl Fn(&str) -> String) -> String {
    match warning.pointer.as_str() {
        "" => warning.detail.clone(),
        pointer => format!("{}: {}", place(pointer), warning.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_as_it_was_written_and_the_rest_is_counted() {
        let url = |n: usize| format!("https://h.example/{n}?v=1");
        let warning = |n: usize| WarningAnswer {
            code: "query_ignored".to_owned(),
            detail: "no query counts".to_owned(),
            pointer: format!("/urls/{n}"),
        };
        let body = JobBody { urls: (0..20).map(url).collect(), ..JobBody::default() };
        let mut warnings: Vec<_> = (0..12).map(warning).collect();
        let all = of_body(&warnings, &body);
        assert_eq!((all.len(), all[3].as_str()), (11, "https://h.example/3?v=1: no query counts"));
        assert_eq!(all[10], "and 2 more (--json prints all)");
        warnings.truncate(1);
        warnings[0].pointer = String::new();
        assert_eq!(of_body(&warnings, &body), ["no query counts"], "of the job as a whole");
    }
}
