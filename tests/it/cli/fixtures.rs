//! What the tests of several commands share: requests to a scripted daemon, and how a command is run.

use std::process::Child;

use serde_json::Value;

use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::job;
use crate::support::scripted_daemon::Reply;

pub(crate) const LOOK: &str = "GET /v1/jobs/job_0192f3a000007000800000000000002a";

pub(crate) const ITEMS: &str = "GET /v1/jobs/job_0192f3a000007000800000000000002a/items";

pub(crate) fn run(url: &str, words: &[&str]) -> Ended {
    Ended::of(refreshd(url).args(words).output().expect("it runs"))
}

/// Lets each look see the next of `states`.
pub(crate) fn looks(states: &[(&str, &str)]) -> (&'static str, Vec<Reply>) {
    (LOOK, states.iter().map(|(status, verification)| Reply::json(200, &job(status, verification))).collect())
}

pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A process that ends with its test, also if the test fails.
pub(crate) struct KilledOnDrop(pub(crate) Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
