//! `refreshd job`, against a scripted daemon.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::cli::fixtures::{ITEMS, LOOK, run};
use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::{ID, item, job, list};
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

const EVENTS: &str = "GET /v1/jobs/job_0192f3a000007000800000000000002a/events";

#[test]
fn a_job_is_shown_with_its_failures_first_and_its_history() {
    let event = json!({"seq": 1, "at": "2026-11-22T10:00:00Z", "kind": "accepted", "message": "2 targets", "items": 2,
                       "submission": null, "task_id": null, "error": null});
    let (fine, failed) = (item("https://h/fine", "succeeded", "none"), item("https://h/failed", "failed", "none"));
    let pages = || vec![list(std::slice::from_ref(&fine), Some("c 1&")), list(std::slice::from_ref(&failed), None)];
    let script = |pages| {
        vec![
            (LOOK, vec![Reply::json(200, &job("partial", "none"))]),
            (ITEMS, pages),
            (EVENTS, vec![list(std::slice::from_ref(&event), None)]),
        ]
    };
    let daemon = ScriptedDaemon::start(script(pages()));
    let ended = run(&daemon.url(), &["job", ID]);
    ended.expect(0);
    let place = |text: &str| ended.out.find(text).unwrap_or_else(|| panic!("{text:?} in {}", ended.out));
    assert!(place("https://h/failed") < place("back online.") && place("back online.") < place("https://h/fine"));
    assert!(place("https://h/fine") < place("accepted"));
    let daemon = ScriptedDaemon::start(script(pages()));
    let ended = run(&daemon.url(), &["job", ID, "--json"]);
    ended.expect(0);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(report, json!({"job": job("partial", "none"), "items": [fine, failed], "events": [event]}));
    let queries: Vec<_> = daemon.requests(ITEMS).iter().map(|request| request.query.clone()).collect();
    assert_eq!(queries, ["limit=500", "limit=500&cursor=c+1%26"]);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let items: Vec<Value> = (0..500).map(|n| item(&format!("https://h/{n:0>900}"), "succeeded", "none")).collect();
    let daemon = ScriptedDaemon::start(vec![
        (LOOK, vec![Reply::json(200, &job("succeeded", "none"))]),
        (ITEMS, vec![list(&items, None)]),
        (EVENTS, vec![list(&[], None)]),
    ]);
    let mut child = refreshd(&daemon.url())
        .args(["job", ID, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    ended.expect(0);
    assert_eq!(ended.err, "");
}
