//! `refreshd diagnose`, against a scripted daemon.

use serde_json::{Value, json};

use crate::support::binary::{Ended, refreshd};
use crate::support::job_fixtures::problem;
use crate::support::scripted_daemon::{Reply, ScriptedDaemon};

fn diagnosis() -> Value {
    json!({"id": "diag_0192f3a000007000800000000000002a", "subject": {"url": "https://www.example.com/a.js"},
        "target": "https://www.example.com/a.js", "cut_short": false,
        "started_at": "2026-11-22T10:00:00.250Z", "ended_at": "2026-11-22T10:00:03.125Z",
        "causes": [{"id": "edge_stale", "confidence": "likely", "summary": "The edge serves an old copy.",
            "action": "Purge it again.", "checks": ["edge_freshness"], "against": []}],
        "checks": [{"id": "edge_freshness", "result": "fail", "seen": "edge a1, origin b2", "action": "Purge it again.",
            "confidence": "certain", "cause": "edge_stale", "page": "Purge cache"}]})
}

const DIAGNOSES: &str = "POST /v1/diagnoses";

#[test]
fn the_command_tells_the_answer_and_takes_the_bundle_home() {
    let bundle = "GET /v1/diagnoses/diag_0192f3a000007000800000000000002a/bundle";
    let daemon = ScriptedDaemon::start(vec![
        (DIAGNOSES, vec![Reply::json(200, &diagnosis())]),
        (bundle, vec![Reply::json(200, &json!("zip"))]),
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ticket.zip");
    let run = |words: &[&str]| {
        let mut command = refreshd(&daemon.url());
        Ended::of(command.arg("diagnose").args(words).output().expect("it runs"))
    };
    let path = file.to_str().expect("text");
    let ended = run(&["https://www.example.com/a.js", "--bundle", path]);
    ended.expect(0);
    assert!(ended.out.starts_with("The edge serves an old copy.\n"), "{}", ended.out);
    assert!(ended.err.contains("read it before you send it to anybody"), "{}", ended.err);
    assert_eq!(std::fs::read(&file).expect("the bundle"), b"\"zip\"");
    let requests = daemon.requests(DIAGNOSES);
    assert_eq!(requests[0].body, r#"{"url":"https://www.example.com/a.js"}"#);
    // A second bundle would overwrite the first: no request is made.
    let refused = run(&["www.example.com", "--bundle", path]);
    refused.expect(2);
    assert!(refused.err.contains("exists already"), "{}", refused.err);
    assert_eq!(daemon.requests(DIAGNOSES).len(), 1);
    let ended = run(&["job_0192f3a000007000800000000000002a", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).expect("JSON"), diagnosis());
    assert_eq!(daemon.requests(DIAGNOSES)[1].body, r#"{"job":"job_0192f3a000007000800000000000002a"}"#);
}

#[test]
fn the_command_ends_as_the_other_ones_do() {
    for (status, code) in [(422, 2), (401, 4), (403, 4), (404, 4), (507, 5)] {
        let daemon = ScriptedDaemon::start(vec![(DIAGNOSES, vec![problem(status, "no", &json!([]))])]);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ticket.zip");
        let words = ["diagnose", "www.example.com", "--bundle", file.to_str().expect("text")];
        Ended::of(refreshd(&daemon.url()).args(words).output().expect("it runs")).expect(code);
        assert_eq!(folder.path().read_dir().expect("the folder").count(), 0, "no bundle, and no draft of one");
    }
}
