//! `refreshd purge`, `prefetch` and `refresh` against a scripted daemon: requests, output and exit codes.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::fixtures::{ITEMS, LOOK};
use crate::support::World;
use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::{ID, item, job, list, problem};
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

const SUBMIT: &str = "POST /v1/jobs";
const URL: &str = "https://www.example.com/app.js";

/// Accepts a job and lets each look see the next of `states`.
fn following(states: &[(&str, &str)], items: &[Value]) -> ScriptedDaemon {
    let looks = states.iter().map(|(status, verification)| Reply::json(200, &job(status, verification))).collect();
    ScriptedDaemon::start(vec![
        (SUBMIT, vec![Reply::json(202, &job("pending", "pending"))]),
        (LOOK, looks),
        (ITEMS, vec![list(items, None)]),
    ])
}

fn run(daemon: &ScriptedDaemon, words: &[&str]) -> Ended {
    Ended::of(refreshd(&daemon.url()).args(words).output().expect("it runs"))
}

#[test]
fn without_wait_the_id_stands_alone_on_stdout() {
    let daemon = following(&[], &[]);
    let ended = run(&daemon, &["purge", URL, "--label", "release=42", "--no-verify", "--priority", "urgent"]);
    ended.expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), (&*format!("{ID}\n"), ""));
    let body: Value = serde_json::from_str(&daemon.requests(SUBMIT)[0].body).expect("JSON");
    let expected = json!({"operation": "purge", "urls": [URL], "labels": {"release": "42"}, "verify": false, "priority": "urgent"});
    assert_eq!(body, expected);
}

#[test]
fn directories_are_directories_only_if_said_so() {
    let daemon = following(&[], &[]);
    let words = ["refresh", "https://h/img/", "--dir", "--mode", "invalidate", "--json"];
    let ended = run(&daemon, &words);
    ended.expect(0);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).expect("JSON"), job("pending", "pending"));
    let ended = run(&daemon, &["refresh", "https://h/img/", "https://h/"]);
    assert_eq!(ended.err, "warning: https://h/img/: this refreshes one object; add --dir for everything below it\n");
    let bodies: Vec<Value> =
        daemon.requests(SUBMIT).iter().map(|request| serde_json::from_str(&request.body).expect("JSON")).collect();
    assert_eq!(bodies[0], json!({"operation": "refresh", "directories": ["https://h/img/"], "mode": "invalidate"}));
    assert_eq!(bodies[1], json!({"operation": "refresh", "urls": ["https://h/img/", "https://h/"]}));
}

#[test]
fn targets_come_from_standard_input() {
    let daemon = following(&[], &[]);
    let mut child = refreshd(&daemon.url())
        .args(["purge", URL, "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"# list\n\nhttps://h/a\nhttps://h/b\n").expect("read");
    drop(stdin);
    Ended::of(child.wait_with_output().expect("it ends")).expect(0);
    let body: Value = serde_json::from_str(&daemon.requests(SUBMIT)[0].body).expect("JSON");
    assert_eq!(body["urls"], json!([URL, "https://h/a", "https://h/b"]));
}

#[test]
fn waiting_ends_when_the_edge_was_seen_fresh() {
    let daemon = following(&[("running", "pending"), ("succeeded", "pending"), ("succeeded", "fresh")], &[]);
    let ended = run(&daemon, &["purge", URL, "--wait"]);
    ended.expect(0);
    assert_eq!(ended.out, format!("{ID}: purge succeeded\nitems         2 succeeded; 2 in all\nverification  fresh\n"));
    for line in ["0/2 running, 2 submitted\n", "2/2 succeeded; checking the edge\n", "2/2 succeeded\n"] {
        assert_eq!(ended.err.matches(line).count(), 1, "{line:?} in {}", ended.err);
    }
    let looks = daemon.requests(LOOK);
    assert_eq!(looks.len(), 3);
    assert!(looks.iter().all(|look| look.headers["prefer"].starts_with("wait=")));
}

#[test]
fn an_unknown_freshness_succeeds_with_a_warning() {
    let ended = run(&following(&[("succeeded", "unknown")], &[]), &["purge", URL, "--wait", "--json"]);
    ended.expect(0);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).expect("JSON"), job("succeeded", "unknown"));
    assert!(ended.err.contains("warning: "), "{}", ended.err);
}

/// Both sides answer 404: fresh, and perhaps a slip of the pen.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_nowhere_is_fresh_with_a_warning() {
    let world = World::start().await;
    let ended = crate::cli::fixtures::run(&world.url(""), &["purge", "https://www.example.com/ap.js", "--wait"]);
    ended.expect(0);
    assert!(ended.out.contains("verification  fresh"), "{}", ended.out);
    let warning =
        "warning: the origin has nothing at https://www.example.com/ap.js: was it removed, or is the URL mistyped?";
    assert!(ended.err.contains(warning), "{}", ended.err);
    let ended = crate::cli::fixtures::run(&world.url(""), &["purge", "https://www.example.com/app.js", "--wait"]);
    assert!(!ended.err.contains("warning"), "{}", ended.err);
}

#[test]
fn stale_partial_and_failed_have_codes_of_their_own() {
    let fine = item("https://h/fine", "succeeded", "fresh");
    let stale = item("https://h/stale", "succeeded", "stale");
    let failed = item("https://h/failed", "failed", "none");
    for (status, verification, second, code) in
        [("succeeded", "stale", &stale, 7), ("partial", "fresh", &failed, 6), ("failed", "none", &failed, 1)]
    {
        let daemon = following(&[(status, verification)], &[fine.clone(), second.clone()]);
        let ended = run(&daemon, &["purge", URL, "--wait"]);
        ended.expect(code);
        let target = second["target"].as_str().expect("a target");
        assert!(ended.out.contains(target) && !ended.out.contains("https://h/fine"), "{}", ended.out);
        if code != 7 {
            let reason = "domain_state (ResourceUnavailable.CdnHostIsNotOnline): it is offline";
            assert!(ended.out.contains(reason) && ended.out.contains("back online."), "{}", ended.out);
            assert!(!ended.out.contains('\u{1b}'), "a provider's words move the cursor: {:?}", ended.out);
        }
    }
    run(&following(&[("cancelled", "none")], &[]), &["purge", URL, "--wait"]).expect(1);
    run(&following(&[("expired", "none")], &[]), &["purge", URL, "--wait"]).expect(1);
}

#[test]
fn at_the_timeout_the_job_is_open_and_can_be_looked_at() {
    let ended = run(&following(&[("running", "pending")], &[]), &["purge", URL, "--wait", "--timeout", "1200ms"]);
    ended.expect(3);
    assert!(ended.err.contains(&format!("refreshd job {ID}")) && ended.out.contains("running"), "{}", ended.err);
    // Done by the provider, and nobody knows yet whether it shows.
    run(&following(&[("succeeded", "pending")], &[]), &["purge", URL, "--wait", "--timeout", "100ms"]).expect(3);
}

#[test]
fn a_daemon_that_restarts_meanwhile_is_waited_for() {
    let daemon = ScriptedDaemon::start(vec![
        (SUBMIT, vec![Reply::json(202, &job("pending", "pending"))]),
        (
            LOOK,
            vec![Reply::nothing(), problem(503, "draining", &json!([])), Reply::json(200, &job("succeeded", "fresh"))],
        ),
    ]);
    let ended = run(&daemon, &["purge", URL, "--wait"]);
    ended.expect(0);
    assert!(ended.err.contains("trying again"), "{}", ended.err);
}

#[test]
fn faults_are_told_with_what_was_written() {
    let faults = json!([
        {"pointer": "/urls/1", "code": "not_encoded", "detail": "' ' must be percent-encoded; write https://h/a%20b"},
        {"pointer": "/deadline", "code": "past", "detail": "lies in the past"},
    ]);
    let daemon = ScriptedDaemon::start(vec![(SUBMIT, vec![problem(422, "invalid", &faults)])]);
    let ended = run(&daemon, &["purge", URL, "https://h/a b", "--deadline", "2001-01-01T00:00:00Z", "--wait"]);
    ended.expect(2);
    let expected = "refreshd: invalid, said the daemon\n\
                    https://h/a b: ' ' must be percent-encoded; write https://h/a%20b\n\
                    deadline \"2001-01-01T00:00:00Z\": lies in the past\n";
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", expected));
    assert_eq!(daemon.requests(SUBMIT).len(), 1, "what is wrong stays wrong");
}

#[test]
fn a_refusal_has_the_code_of_its_kind_and_is_not_repeated() {
    for (status, code) in [(400, 2), (413, 2), (415, 2), (401, 4), (403, 4), (404, 4), (507, 5)] {
        let daemon = ScriptedDaemon::start(vec![(SUBMIT, vec![problem(status, "no", &json!([]))])]);
        run(&daemon, &["purge", URL]).expect(code);
        assert_eq!(daemon.requests(SUBMIT).len(), 1, "{status}");
    }
}

#[test]
fn a_token_comes_from_the_environment_or_a_file() {
    let daemon = following(&[], &[]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "of_file\n").expect("written");
    let mut command = refreshd(&daemon.url());
    Ended::of(command.args(["purge", URL]).env("REFRESHD_TOKEN_FILE", &file).output().expect("it runs")).expect(0);
    Ended::of(command.env("REFRESHD_TOKEN", "of_variable").output().expect("it runs")).expect(0);
    let sent: Vec<_> = daemon.requests(SUBMIT).iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer of_file", "Bearer of_variable"]);
    let missing = command.env_remove("REFRESHD_TOKEN").env("REFRESHD_TOKEN_FILE", folder.path().join("none")).output();
    Ended::of(missing.expect("it runs")).expect(2);
}

#[test]
fn nobody_there_is_told_apart_from_a_refusal() {
    let gone = ScriptedDaemon::start(Vec::new()).url();
    let ended = Ended::of(refreshd(&gone).args(["purge", URL]).output().expect("it runs"));
    ended.expect(5);
    assert!(ended.err.contains("REFRESHD_URL") && !ended.err.contains("may have been stored"), "{}", ended.err);
    assert_eq!(ended.out, "");
    Ended::of(refreshd(&gone).args(["job", ID]).output().expect("it runs")).expect(5);
    Ended::of(refreshd("not a url").args(["job", ID]).output().expect("it runs")).expect(2);
}

#[test]
fn a_lost_answer_says_how_to_ask_again_for_the_same_job() {
    let daemon = ScriptedDaemon::start(vec![(SUBMIT, vec![Reply::nothing()])]);
    let ended = run(&daemon, &["purge", URL]);
    ended.expect(5);
    let tries = daemon.requests(SUBMIT);
    let hint = format!("--idempotency-key {}", tries[0].headers["idempotency-key"]);
    assert!(tries.len() > 1 && ended.err.contains(&hint), "{}", ended.err);
}

#[test]
fn a_second_try_carries_the_same_key() {
    let busy = || problem(503, "draining", &json!([])).header("retry-after", "1");
    let replies = vec![busy(), Reply::nothing(), Reply::json(202, &job("pending", "none"))];
    let daemon = ScriptedDaemon::start(vec![(SUBMIT, replies)]);
    let ended = run(&daemon, &["purge", URL]);
    ended.expect(0);
    assert_eq!(ended.out, format!("{ID}\n"));
    let tries = daemon.requests(SUBMIT);
    let first = &tries[0].headers["idempotency-key"];
    assert!(tries.len() == 3 && tries.iter().all(|again| again.headers["idempotency-key"] == *first), "{tries:?}");
    assert!(tries.iter().all(|again| again.body == tries[0].body));
    // Another command is another job, unless it says that it is not.
    run(&daemon, &["purge", URL]).expect(0);
    assert_ne!(daemon.requests(SUBMIT)[3].headers["idempotency-key"], *first);
    run(&daemon, &["purge", URL, "--idempotency-key", first]).expect(0);
    assert_eq!(daemon.requests(SUBMIT)[4].headers["idempotency-key"], *first);
}

#[test]
fn a_replayed_job_is_told_of() {
    let reply = Reply::json(202, &job("running", "pending")).header("idempotency-replayed", "true");
    let ended = run(&ScriptedDaemon::start(vec![(SUBMIT, vec![reply])]), &["purge", URL, "--idempotency-key", "k"]);
    ended.expect(0);
    assert!(ended.out == format!("{ID}\n") && ended.err.contains("no second job"), "{}", ended.err);
}

#[test]
fn an_interrupted_wait_says_that_the_job_goes_on() {
    let daemon = following(&[("running", "pending")], &[]);
    let mut child = refreshd(&daemon.url())
        .args(["purge", URL, "--wait"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    while daemon.requests(LOOK).is_empty() {
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    let code = child.wait().expect("it ends").code();
    let mut err = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("goes on") && err.contains(&format!("refreshd job {ID}")), "{err}");
}
