//! A job's or a plan's warnings in words: each named by what was written, and only so many, since a large job can have many alike.

use crate::api::wire::{JobBody, WarningAnswer};

use crate::cli::error::written_at;

/// Warnings that a person is shown.
const SHOWN_MAX: usize = 10;

/// The first of them, with `place` as the words for a pointer into the body, and how many there are besides.
pub(crate) fn lines(warnings: &[WarningAnswer], place: impl Fn(&str) -> String) -> Vec<String> {
    let mut lines: Vec<String> = warnings.iter().take(SHOWN_MAX).map(|warning| line(warning, &place)).collect();
    if warnings.len() > SHOWN_MAX {
        lines.push(format!("and {} more (all of them: --json)", warnings.len() - SHOWN_MAX));
    }
    lines
}

/// The same for whoever has the body at hand.
pub(crate) fn of_body(warnings: &[WarningAnswer], body: &JobBody) -> Vec<String> {
    lines(warnings, |pointer| written_at(pointer, body))
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
        assert_eq!(all[10], "and 2 more (all of them: --json)");
        warnings.truncate(1);
        warnings[0].pointer = String::new();
        assert_eq!(of_body(&warnings, &body), ["no query counts"], "of the job as a whole");
    }
}
