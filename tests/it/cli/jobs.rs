//! `jobs`, `watch`, `cancel` and `retry` with the real binary: against a daemon that says what it is told to, and against
//! the real one.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::World;
use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::{ID, item, job, list, problem};
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

const JOBS: &str = "GET /v1/jobs";
const LOOK: &str = "GET /v1/jobs/job_0192f3a000007000800000000000002a";
const ITEMS: &str = "GET /v1/jobs/job_0192f3a000007000800000000000002a/items";
const CANCEL: &str = "POST /v1/jobs/job_0192f3a000007000800000000000002a/cancel";
const RETRY: &str = "POST /v1/jobs/job_0192f3a000007000800000000000002a/retry";

fn run(url: &str, words: &[&str]) -> Ended {
    Ended::of(refreshd(url).args(words).output().expect("it runs"))
}

/// Lets each look see the next of `states`.
fn looks(states: &[(&str, &str)]) -> (&'static str, Vec<Reply>) {
    (LOOK, states.iter().map(|(status, verification)| Reply::json(200, &job(status, verification))).collect())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn jobs_are_listed_at_80_columns_with_what_they_wait_for() {
    let (mut waiting, mut done) = (job("pending", "pending"), job("partial", "stale"));
    waiting["counts"]["pending"] = json!(2);
    waiting["counts"]["submitted"] = json!(0);
    waiting["waiting"] = json!({"reason": "day_quota", "until": "2026-11-22T16:00:00Z", "ahead": 37,
        "detail": "the day quota for directories of account main is spent, and the reserve is for urgent jobs"});
    done["labels"] = json!({"release": "2026.11.22-3"});
    (done["source"], done["created_at"]) = (json!("shop-deploy"), json!("2026-11-22T09:59:59.125Z"));
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![list(&[waiting, done], None)])]);
    let ended = run(&daemon.url(), &["jobs"]);
    ended.expect(0);
    insta::assert_snapshot!(ended.out, @r"
    job_0192f3a000007000800000000000002a  purge    pending   2026-11-22T10:00:00Z
      2 pending; 2 in all
      waits: day_quota: the day quota for directories of account main is spent, and
        the reserve is for urgent jobs, until 2026-11-22T16:00:00Z
    job_0192f3a000007000800000000000002a  purge    partial   2026-11-22T09:59:59Z
      1 succeeded, 1 failed; 2 in all; verification stale; source shop-deploy;
        release=2026.11.22-3
    ");
    assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[test]
fn conditions_are_passed_on_and_pages_read_up_to_the_limit() {
    let page = |count: usize, next| list(&vec![job("failed", "none"); count], next);
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![page(500, Some("500")), page(100, Some("600"))])]);
    let words = "jobs a&b --status failed --operation purge --host h --target https://h/a?b --label k=v=w --source s \
                 --tenant t --since 2026-11-22T10:00:00Z --task-id 17 --limit 600 --json";
    let ended = run(&daemon.url(), &words.split_whitespace().collect::<Vec<_>>());
    ended.expect(0);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((report["items"].as_array().map(Vec::len), &report["next_cursor"]), (Some(600), &json!("600")));
    let asked: Vec<_> = daemon.requests(JOBS).iter().map(|request| request.query.clone()).collect();
    let conditions = "status=failed&operation=purge&host=h&target=https%3A%2F%2Fh%2Fa%3Fb&label=k%3Dv%3Dw&source=s&tenant=t\
                      &since=2026-11-22T10%3A00%3A00Z&task_id=17&q=a%26b";
    assert_eq!(asked, [format!("{conditions}&limit=500"), format!("{conditions}&limit=100&cursor=500")]);
    // A person is told that there are more.
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![page(3, Some("3"))])]);
    let ended = run(&daemon.url(), &["jobs", "--limit", "3"]);
    assert!(ended.err.contains("--limit shows more"), "{}", ended.err);
}

#[test]
fn nothing_found_and_a_refused_condition_are_told_apart() {
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![list(&[], None)])]);
    let ended = run(&daemon.url(), &["jobs", "nobody.example"]);
    ended.expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "no job fits\n"));
    for (status, code) in [(422, 2), (401, 4), (403, 4), (507, 5)] {
        let daemon = ScriptedDaemon::start(vec![(JOBS, vec![problem(status, "no", &json!([]))])]);
        run(&daemon.url(), &["jobs"]).expect(code);
    }
    let gone = ScriptedDaemon::start(Vec::new()).url();
    // At once, because each is patient for seconds.
    let asked = [&["jobs"][..], &["watch", ID], &["cancel", ID], &["retry", ID]];
    let children = asked.map(|words| refreshd(&gone).args(words).stderr(Stdio::piped()).spawn().expect("it runs"));
    for child in children {
        Ended::of(child.wait_with_output().expect("it ends")).expect(5);
    }
}

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
    // A reader that has seen enough ends it, though the job goes on and on.
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

#[test]
fn a_retry_whose_answer_was_lost_is_not_sent_again() {
    let daemon = ScriptedDaemon::start(vec![(RETRY, vec![Reply::nothing()])]);
    let ended = run(&daemon.url(), &["retry", ID]);
    ended.expect(5);
    assert_eq!(daemon.requests(RETRY).len(), 1, "a second try could make a second job");
    assert!(ended.err.contains("may have been kept") && ended.err.contains("refreshd jobs"), "{}", ended.err);
    // A refusal is an answer: it was not done, and may be tried again.
    let draining = problem(503, "draining", &json!([]));
    let daemon = ScriptedDaemon::start(vec![(RETRY, vec![draining, Reply::json(202, &job("pending", "none"))])]);
    let ended = run(&daemon.url(), &["retry", ID]);
    ended.expect(0);
    assert_eq!(ended.out, format!("{ID}\n"));
    let daemon = ScriptedDaemon::start(vec![(RETRY, vec![problem(409, "nothing_to_do", &json!([]))])]);
    run(&daemon.url(), &["retry", ID]).expect(1);
}

/// The same commands in the order in which somebody on call needs them, with the real daemon.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_found_retried_and_watched_to_its_end() {
    let world = World::start().await;
    let url = world.url("");
    let refused =
        Fault::Refuse { code: "ResourceNotFound.CdnHostNotExists".to_owned(), message: "not here".to_owned() };
    world.sandbox.cloud().set_faults(vec![FaultRule::new("PurgeUrlsCache", refused)]);
    let ended = run(&url, &["purge", "https://www.example.com/app.js", "--wait", "--source", "shop"]);
    ended.expect(1);
    world.sandbox.cloud().set_faults(Vec::new());

    let ended = run(&url, &["jobs", "www.example.com", "--status", "failed", "--since", "1h", "--json"]);
    ended.expect(0);
    let failed = lines(&ended.out)[0]["items"][0]["id"].as_str().expect("an id").to_owned();
    let ended = run(&url, &["jobs", "--until", "1h"]);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "no job fits\n"));
    run(&url, &["watch", &failed]).expect(1);
    let ended = run(&url, &["retry", &failed]);
    ended.expect(0);
    let new = ended.out.trim();
    let ended = run(&url, &["watch", new, "--json"]);
    ended.expect(0);
    let last = lines(&ended.out).pop().expect("a line");
    assert_eq!((&last["verification"], &last["retry_of"]), (&json!("fresh"), &json!(failed)));
    run(&url, &["retry", &failed, "--wait"]).expect(0);
    run(&url, &["cancel", new]).expect(1);
    run(&url, &["retry", new]).expect(1);

    let ended = run(&url, &["purge", "https://www.example.com/b", "--not-before", "2200-01-01T00:00:00Z"]);
    ended.expect(0);
    let ended = run(&url, &["cancel", ended.out.trim(), "--json"]);
    ended.expect(0);
    assert_eq!(lines(&ended.out)[0]["status"], "cancelled");
    run(&url, &["cancel", "job_00000000000000000000000000000000"]).expect(4);
    world.end().await;
}
