//! `refreshd config check` and `show`.

use serde_json::{Value, json};

use crate::support::binary::{Ended, refreshd};

#[test]
fn a_configuration_is_checked_whole_and_shown_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("refreshd.toml");
    let config = |words: &[&str]| {
        Ended::of(refreshd("").arg("config").args(words).arg("--config").arg(&file).output().expect("it runs"))
    };
    std::fs::write(&file, "[accounts.main]\nsecret_id = \"AKIDexampleexample\"\nsecret_key = \"verysecret\"\n")
        .expect("written");
    let ended = config(&["check"]);
    ended.expect(0);
    assert!(ended.out == "ok\n" && ended.err.starts_with("warning: "), "{}", ended.err);
    let ended = config(&["show"]);
    ended.expect(0);
    assert!(ended.out.contains("[server]") && !ended.out.contains("verysecret"), "{}", ended.out);
    let ended = config(&["show", "--json"]);
    ended.expect(0);
    let shown: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(shown["engine"]["task_max"]["purge"], "1h");
    assert!(shown["accounts"]["main"].is_object() && !ended.out.contains("verysecret"), "{}", ended.out);
    std::fs::write(&file, "[server]\nlisten = 1\nlisen = 2\n").expect("written");
    let ended = config(&["check"]);
    ended.expect(78);
    assert!(ended.out.is_empty() && ended.err.contains("server.listen") && ended.err.contains("server.lisen"));
    let ended = config(&["check", "--json"]);
    ended.expect(78);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&report["ok"], report["problems"].as_array().map(Vec::len)), (&json!(false), Some(2)));
    config(&["show"]).expect(78);
}
