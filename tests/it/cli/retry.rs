//! `refreshd retry`, against a scripted daemon and the real one.

use refreshd::sandbox::{Fault, FaultRule};
use serde_json::json;

use crate::cli::fixtures::{lines, run};
use crate::support::World;
use crate::support::job_fixtures::{ID, job, problem};
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

const RETRY: &str = "POST /v1/jobs/job_0192f3a000007000800000000000002a/retry";

#[test]
fn a_retry_whose_answer_was_lost_is_not_sent_again() {
    let daemon = ScriptedDaemon::start(vec![(RETRY, vec![Reply::nothing()])]);
    let ended = run(&daemon.url(), &["retry", ID]);
    ended.expect(5);
    assert_eq!(daemon.requests(RETRY).len(), 1, "a second try could make a second job");
    assert!(ended.err.contains("may have been stored") && ended.err.contains("refreshd jobs"), "{}", ended.err);
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
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", "no job matches\n"));
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
