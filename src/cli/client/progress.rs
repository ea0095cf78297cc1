//! How a job's progress is shown while somebody waits: a bar on a terminal, lines in a log, JSON for a program.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::api::wire::JobAnswer;
use crate::cli::exit;
use crate::cli::output::terminal;
use crate::clock::Stopwatch;
use crate::domain::{JobStatus, Verification};

/// How often a log hears that nothing has changed.
const QUIET_MAX: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(120);

pub(crate) enum ProgressDisplay {
    Bar(ProgressBar),
    /// The line said last, and when.
    Lines(RefCell<Option<(String, Stopwatch)>>),
    /// The job on standard output whenever it has changed; what was said last.
    Changes(RefCell<Option<Vec<u8>>>),
}

impl ProgressDisplay {
    /// What suits standard error.
    pub(crate) fn of_stderr() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines(RefCell::default());
        }
        let style = ProgressStyle::with_template("{spinner} [{bar:20}] {pos}/{len} {wide_msg}");
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = style.expect("the template is right").progress_chars("=> ");
        // Also when it is dropped half way, or the next line would be glued to it.
        Self::Bar(bar.with_style(style).with_finish(ProgressFinish::AndClear))
    }

    pub(crate) fn of_changes() -> Self {
        Self::Changes(RefCell::default())
    }

    /// # Errors
    /// Only if it goes to standard output, which cannot be written or is read by nobody any more.
    pub(crate) fn show(&self, job: &JobAnswer) -> io::Result<()> {
        match self {
            Self::Bar(bar) => {
                bar.enable_steady_tick(TICK);
                bar.set_length(job.counts.total.into());
                bar.set_position(ended(job).into());
                // One line, whatever a provider wrote: the bar counts on it.
                bar.set_message(words(job).replace(char::is_control, " "));
            }
            Self::Lines(last) => {
                let line = line(job);
                let mut last = last.borrow_mut();
                let due = |(text, since): &(String, Stopwatch)| *text != line || since.elapsed() >= QUIET_MAX;
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

    /// Tells something else without tearing the bar.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| terminal::note(text)),
            Self::Lines(_) | Self::Changes(_) => terminal::note(text),
        }
    }

    /// Takes the bar away; lines stay.
    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn ended(job: &JobAnswer) -> u32 {
    job.counts.total.saturating_sub(job.counts.pending + job.counts.submitted)
}

fn line(job: &JobAnswer) -> String {
    format!("{}/{} {}", ended(job), job.counts.total, words(job))
}

/// Where the job stands, and what it waits for.
fn words(job: &JobAnswer) -> String {
    let mut words = job.status.to_string();
    let counts = job.counts;
    for (count, state) in [(counts.submitted, "submitted"), (counts.pending, "pending"), (counts.failed, "failed")] {
        if count > 0 {
            words.push_str(&format!(", {count} {state}"));
        }
    }
    let over = exit::status(job).is_some_and(JobStatus::is_final);
    if over && exit::verification(job) == Some(Verification::Pending) {
        words.push_str("; looking at the edge");
    }
    if let Some(waiting) = &job.waiting {
        // What matters most first: a bar's line is cut at the edge of the terminal.
        let until = waiting.until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
        words.push_str(&format!("; {}{until}: {}", waiting.reason, waiting.detail));
    }
    words
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
        insta::assert_snapshot!(line(&job("succeeded", "pending")), @"3/3 succeeded; looking at the edge");
        insta::assert_snapshot!(line(&job("succeeded", "fresh")), @"3/3 succeeded");
    }
}
