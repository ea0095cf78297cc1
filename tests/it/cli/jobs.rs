//! `refreshd jobs`, against a scripted daemon.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::cli::fixtures::run;
use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::{ID, job, list, problem};
use crate::support::scripted_daemon::ScriptedDaemon;

const JOBS: &str = "GET /v1/jobs";

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
    let queries: Vec<_> = daemon.requests(JOBS).iter().map(|request| request.query.clone()).collect();
    let conditions = "status=failed&operation=purge&host=h&target=https%3A%2F%2Fh%2Fa%3Fb&label=k%3Dv%3Dw&source=s&tenant=t\
                      &since=2026-11-22T10%3A00%3A00Z&task_id=17&q=a%26b";
    assert_eq!(queries, [format!("{conditions}&limit=500"), format!("{conditions}&limit=100&cursor=500")]);
    // A message says that there are more.
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![page(3, Some("3"))])]);
    let ended = run(&daemon.url(), &["jobs", "--limit", "3"]);
    assert!(ended.err.contains("a higher --limit shows more"), "{}", ended.err);
}

#[test]
fn nothing_found_and_a_refused_condition_are_told_apart() {
    let daemon = ScriptedDaemon::start(vec![(JOBS, vec![list(&[], None)])]);
    let ended = run(&daemon.url(), &["jobs", "nobody.example"]);
    ended.expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "no job matches\n"));
    for (status, code) in [(422, 2), (401, 4), (403, 4), (507, 5)] {
        let daemon = ScriptedDaemon::start(vec![(JOBS, vec![problem(status, "no", &json!([]))])]);
        run(&daemon.url(), &["jobs"]).expect(code);
    }
    let gone = ScriptedDaemon::start(Vec::new()).url();
    // At the same time, because each retries for seconds.
    let commands = [&["jobs"][..], &["watch", ID], &["cancel", ID], &["retry", ID]];
    let children = commands.map(|words| refreshd(&gone).args(words).stderr(Stdio::piped()).spawn().expect("it runs"));
    for child in children {
        Ended::of(child.wait_with_output().expect("it ends")).expect(5);
    }
}
