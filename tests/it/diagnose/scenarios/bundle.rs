//! What a bundle of any scenario has to hold, and what it must not.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::environment::{CANARY, Stage};

/// The faults of the bundle at `path`, in words.
pub(super) fn faults(stage: &Stage, path: &Path, items: &[Value]) -> Vec<String> {
    let files = unzipped(path);
    let mut faults = Vec::new();
    // Without a request of ours there is none to show.
    let sample = (!items.is_empty()).then_some("request-sample.txt");
    for name in ["report.md", "report.json", "ticket.txt", "timeline.txt"].into_iter().chain(sample) {
        if !files.contains_key(name) {
            faults.push(format!("the bundle has no {name}: {:?}", files.keys()));
        }
    }
    for name in ["report.md", "timeline.txt"] {
        let text = files.get(name).map_or("", String::as_str);
        if !(text.contains("Z ") && text.contains("+08:00")) {
            faults.push(format!("{name} does not tell times in UTC and UTC+8:\n{text}"));
        }
    }
    let report = files.get("report.md").map_or("", String::as_str);
    for id in items.iter().take(1).flat_map(|item| [&item["task_id"], &item["request_id"]]).filter_map(Value::as_str) {
        if !report.contains(id) {
            faults.push(format!("report.md does not tell the id {id}"));
        }
    }
    let wrong_key = stage.scenario.secret_key.iter().map(String::as_str);
    for secret in [CANARY, stage.key.secret_key.as_str(), stage.key.secret_id.as_str()].into_iter().chain(wrong_key) {
        let told = files.iter().filter(|(_, text)| text.contains(secret));
        faults.extend(told.map(|(name, text)| format!("a secret is in {name}:\n{text}")));
    }
    faults
}

/// The files by name, without the folder that they lie in.
fn unzipped(path: &Path) -> BTreeMap<String, String> {
    let file = std::fs::File::open(path).expect("the bundle");
    let mut archive = zip::ZipArchive::new(file).expect("a zip");
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        let name = file.name().expect("a name").into_owned();
        files.insert(name.split_once('/').expect("a folder").1.to_owned(), text);
    }
    files
}
