//! `refreshd cancel`, against a scripted daemon.

use serde_json::json;

use crate::cli::fixtures::{LOOK, looks, run};
use crate::support::job_fixtures::{ID, job, problem};
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

const CANCEL: &str = "POST /v1/jobs/job_0192f3a000007000800000000000002a/cancel";

#[test]
fn a_cancel_that_was_done_before_is_no_failure_and_one_too_late_is() {
    let mut cancelled = job("cancelled", "none");
    cancelled["counts"] =
        json!({"total": 2, "pending": 0, "submitted": 1, "succeeded": 0, "failed": 0, "cancelled": 1, "expired": 0});
    let no = || problem(409, "nothing_to_do", &json!([]));
    // The first answer is lost on its way.
    let daemon =
        ScriptedDaemon::start(vec![(CANCEL, vec![Reply::nothing(), no()]), (LOOK, vec![Reply::json(200, &cancelled)])]);
    let ended = run(&daemon.url(), &["cancel", ID]);
    ended.expect(0);
    assert!(ended.out.contains("1 cancelled, 1 submitted") && ended.err.contains("cancelled before"), "{}", ended.err);
    assert!(ended.err.contains(&format!("refreshd watch {ID}")), "{}", ended.err);
    let daemon = ScriptedDaemon::start(vec![(CANCEL, vec![no()]), looks(&[("succeeded", "none")])]);
    let ended = run(&daemon.url(), &["cancel", ID]);
    ended.expect(1);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "refreshd: nothing_to_do, said the daemon\n"));
}
