//! `refreshd watch`, against a scripted daemon.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::cli::fixtures::{ITEMS, LOOK, lines, looks, run};
use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::{ID, item, job, list, problem};
use crate::support::scripted_daemon::ScriptedDaemon;

#[test]
fn watching_ends_as_the_job_did() {
    for (states, code) in [
        (&[("running", "pending"), ("succeeded", "pending"), ("succeeded", "fresh")][..], 0),
        (&[("succeeded", "stale")], 7),
        (&[("partial", "fresh")], 6),
        (&[("cancelled", "none")], 1),
    ] {
        let failed = item("https://h/failed", "failed", "none");
        let daemon = ScriptedDaemon::start(vec![looks(states), (ITEMS, vec![list(&[failed], None)])]);
        let ended = run(&daemon.url(), &["watch", ID]);
        ended.expect(code);
        assert!(ended.out.starts_with(&format!("{ID}: purge ")), "{}", ended.out);
        assert_eq!(daemon.requests(LOOK).len(), states.len(), "each state was seen once");
    }
    let daemon = ScriptedDaemon::start(vec![looks(&[("running", "pending")])]);
    let ended = run(&daemon.url(), &["watch", ID, "--timeout", "100ms"]);
    ended.expect(3);
    assert!(ended.err.contains("0/2 running") && ended.err.contains("not settled at the timeout"), "{}", ended.err);
    let daemon = ScriptedDaemon::start(vec![(LOOK, vec![problem(404, "not_found", &json!([]))])]);
    let ended = run(&daemon.url(), &["watch", ID]);
    ended.expect(4);
    assert!(!ended.err.contains("goes on"), "nobody knows such a job: {}", ended.err);
}

#[test]
fn a_program_gets_a_line_for_each_change_and_may_leave() {
    let states = [
        ("pending", "pending"),
        ("running", "pending"),
        ("running", "pending"),
        ("succeeded", "pending"),
        ("succeeded", "fresh"),
    ];
    let daemon = ScriptedDaemon::start(vec![looks(&states)]);
    let ended = run(&daemon.url(), &["watch", ID, "--json"]);
    ended.expect(0);
    let changes = [states[0], states[1], states[3], states[4]].map(|(status, verification)| job(status, verification));
    assert_eq!(lines(&ended.out), changes);
    assert_eq!(ended.err, "");
    // A reader that closes the pipe ends the command, although the job goes on.
    let open: Vec<_> = (0..600).map(|n| if n % 2 == 0 { ("pending", "none") } else { ("running", "none") }).collect();
    let daemon = ScriptedDaemon::start(vec![looks(&open)]);
    let mut child =
        refreshd(&daemon.url()).args(["watch", ID, "--json"]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
}

#[test]
fn an_interrupted_watch_says_that_the_job_goes_on() {
    let daemon = ScriptedDaemon::start(vec![looks(&[("running", "pending")])]);
    let child = refreshd(&daemon.url())
        .args(["watch", ID])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    while daemon.requests(LOOK).len() < 2 {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs").success());
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    ended.expect(130);
    assert!(ended.err.contains(&format!("goes on at the daemon; look with: refreshd job {ID}")), "{}", ended.err);
}
