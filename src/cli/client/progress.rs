//! Shows a job's progress during a wait: a bar on a terminal, lines in a log, or JSON for a program.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::api::wire::JobAnswer;
use crate::cli::exit;
use crate::cli::output::terminal;
use crate::clock::Stopwatch;
use crate::domain::{JobStatus, Verification};

/// How often an unchanged line is repeated in a log.
const REPEAT_INTERVAL: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(120);

pub(crate) enum ProgressDisplay {
    Bar(ProgressBar),
    /// The last line printed, and when.
    Lines(RefCell<Option<(String, Stopwatch)>>),
    /// The job on standard output whenever it has changed; the last line printed.
    Changes(RefCell<Option<Vec<u8>>>),
}

impl ProgressDisplay {
    /// A bar if standard error is a terminal, else lines.
    pub(crate) fn of_stderr() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines(RefCell::default());
        }
        let style = ProgressStyle::with_template("{spinner} [{bar:20}] {pos}/{len} {wide_msg}");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = style.expect("the template is right").progress_chars("=> ");
        // Also cleared when it is dropped early, or the next line would start behind it.
        Self::Bar(bar.with_style(style).with_finish(ProgressFinish::AndClear))
    }

    pub(crate) fn of_changes() -> Self {
        Self::Changes(RefCell::default())
    }

    /// # Errors
    /// Only for output to standard output: it cannot be written, or its reader has closed it.
    pub(crate) fn show(&self, job: &JobAnswer) -> io::Result<()> {
        match self {
            Self::Bar(bar) => {
                bar.enable_steady_tick(TICK);
                bar.set_length(job.counts.total.into());
                bar.set_position(ended_items(job).into());
                // The bar must be one line, whatever text the provider sent.
                bar.set_message(describe(job).replace(char::is_control, " "));
            }
            Self::Lines(last) => {
                let line = line(job);
                let mut last = last.borrow_mut();
                let due = |(text, since): &(String, Stopwatch)| *text != line || since.elapsed() >= REPEAT_INTERVAL;
                if last.as_ref().is_none_or(due) {
                    terminal::note(&line);
                    *last = Some((line, Stopwatch::start()));
                }
            }
            Self::Changes(last) => {
                let line = serde_json::to_vec(job).map_err(io::Error::other)?;
                if last.borrow().as_ref() != Some(&line) {
                    terminal::stream_json(job)?;
                    last.replace(Some(line));
                }
            }
        }
        Ok(())
    }

    /// Prints another line without breaking the bar.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| terminal::note(text)),
            Self::Lines(_) | Self::Changes(_) => terminal::note(text),
        }
    }

    /// Removes the bar; lines stay.
    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn ended_items(job: &JobAnswer) -> u32 {
    job.counts.total.saturating_sub(job.counts.pending + job.counts.submitted)
}

fn line(job: &JobAnswer) -> String {
    format!("{}/{} {}", ended_items(job), job.counts.total, describe(job))
}

/// The job's state, and what it waits for.
fn describe(job: &JobAnswer) -> String {
    let mut text = job.status.to_string();
    let counts = job.counts;
    for (count, state) in [(counts.submitted, "submitted"), (counts.pending, "pending"), (counts.failed, "failed")] {
        if count > 0 {
            text.push_str(&format!(", {count} {state}"));
        }
    }
    let is_final = exit::status(job).is_some_and(JobStatus::is_final);
    if is_final && exit::verification(job) == Some(Verification::Pending) {
        text.push_str("; checking the edge");
    }
    if let Some(waiting) = &job.waiting {
        // The most important part first: a bar's line is cut at the width of the terminal.
        let until = waiting.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        text.push_str(&format!("; {}{until}: {}", waiting.reason, waiting.detail));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::WaitingAnswer;
    use crate::cli::test_fixtures::job;

    #[test]
    fn a_line_says_where_it_stands_and_what_it_waits_for() {
        let mut open = job("running", "pending");
        (open.counts.succeeded, open.counts.pending, open.counts.submitted) = (1, 1, 1);
        open.waiting = Some(WaitingAnswer {
            reason: "day_quota".into(),
            detail: "directory quota of account main is spent".to_owned(),
            until: Some("2026-11-22T16:00:00Z".to_owned()),
            ahead: 37,
        });
        insta::assert_snapshot!(line(&open), @"1/3 running, 1 submitted, 1 pending; day_quota until 2026-11-22T16:00:00Z: directory quota of account main is spent");
        insta::assert_snapshot!(line(&job("succeeded", "pending")), @"3/3 succeeded; checking the edge");
        insta::assert_snapshot!(line(&job("succeeded", "fresh")), @"3/3 succeeded");
    }
}
