//! Worlds in which one thing is wrong, or two, or nothing (tests/scenarios): through the real binary, a diagnosis has to name
//! the true cause first. `SCENARIO=part-of-a-name` plays some of them and prints what was told; `SCENARIOS=FOLDER` plays those of
//! another folder; `SCENARIOS_OUT=FOLDER` keeps what was told about each, as text and as JSON.

mod bundle;
mod environment;
mod table;
mod times;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use refreshd::domain::CauseId;
use serde_json::Value;

use self::table::{Outcome, confusion};
use environment::Stage;

const AT_ONCE: usize = 8;

/// A path that is not absolute is one below the repository.
fn folder_of(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

fn files() -> Vec<PathBuf> {
    let folder =
        folder_of("SCENARIOS").unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios"));
    let chosen = std::env::var("SCENARIO").unwrap_or_default();
    let entries = std::fs::read_dir(folder).expect("the scenarios");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| path.to_string_lossy().contains(&chosen))
        .filter(|path| environment::has_web_ports() || !wire::read(path, &[]).needs_web_ports())
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

async fn outcome(number: usize, file: PathBuf) -> Outcome {
    let name = name(&file);
    let played = tokio::spawn(async move {
        let stage = Stage::play(&file, number).await;
        let wrong_verdict = stage.wrong_verdict().await;
        let zip = stage.file("ticket.zip");
        let words = ["--json", "--bundle", zip.to_str().expect("text")].map(str::to_owned);
        let ended = stage.diagnose(words.to_vec()).await;
        let told: Value = serde_json::from_str(&ended.out).expect("JSON");
        let causes: Vec<String> = told["causes"].as_array().expect("causes").iter().map(text_of).collect();
        // A URL may be asked about that no job named.
        let items = if stage.scenario.diagnose == "job" { stage.items().await } else { Vec::new() };
        let mut faults = bundle::faults(&stage, &zip, &items);
        faults.extend(wrong_verdict);
        let kept = folder_of("SCENARIOS_OUT");
        // One of each cause is enough to see that its words fit.
        if kept.is_some() || stage.scenario.is_read() || file.to_string_lossy().ends_with("-1.toml") {
            let text = stage.diagnose(Vec::new()).await.out;
            if let Some(folder) = kept {
                keep(&folder, &file, &text, &ended.out);
            }
            let is_wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("target ");
            faults.extend(text.lines().filter(is_wide).map(|line| format!("wider than 80 columns: {line}")));
            faults.extend(stage.scenario.wrong_words(&text));
        }
        Outcome { name: String::new(), truth: stage.scenario.truth.clone(), causes, faults, told }
    });
    match played.await {
        Ok(outcome) => Outcome { name, ..outcome },
        Err(failed) => Outcome::broken(name, &failed.to_string()),
    }
}

fn keep(folder: &Path, scenario: &Path, text: &str, json: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (ending, words) in [("txt", text), ("json", json)] {
        std::fs::write(folder.join(name(scenario)).with_extension(ending), words).expect("a file");
    }
}

fn text_of(cause: &Value) -> String {
    cause["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_cause_is_the_true_one() {
    let files = files();
    let runs = files.iter().cloned().enumerate().map(|(number, file)| outcome(number + 1, file));
    let mut outcomes: Vec<Outcome> = futures_util::stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    outcomes.sort_by(|one, other| one.name.cmp(&other.name));
    eprintln!("{}", confusion(&outcomes));
    let chosen = std::env::var_os("SCENARIO").is_some();
    for outcome in outcomes.iter().filter(|outcome| chosen || !outcome.is_right() || !outcome.faults.is_empty()) {
        eprintln!("{outcome}");
    }
    if std::env::var_os("SCENARIOS").is_some() {
        let right = outcomes.iter().filter(|outcome| outcome.is_right() && outcome.faults.is_empty());
        eprintln!("right in every way: {:?}", right.map(|outcome| &outcome.name).collect::<Vec<_>>());
    }
    let broken: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.faults).collect();
    assert!(broken.is_empty(), "{} faults beside the causes", broken.len());
    let (single, rest): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.truth.len() == 1);
    let hits = single.iter().filter(|outcome| outcome.is_right()).count();
    assert!(hits * 100 >= single.len() * 95, "{hits} of {} first causes are true", single.len());
    let wrong: Vec<_> = rest.iter().filter(|outcome| !outcome.is_right()).map(|outcome| &outcome.name).collect();
    assert!(wrong.is_empty(), "false alarms, or faults of two that were not both named: {wrong:?}");
}

#[test]
fn each_cause_has_scenarios() {
    if ["SCENARIO", "SCENARIOS"].iter().any(|variable| std::env::var_os(variable).is_some()) {
        return;
    }
    let truths: Vec<Vec<String>> = files().iter().map(|file| wire::read(file, &[]).truth).collect();
    let single: BTreeSet<_> = truths.iter().filter(|truth| truth.len() == 1).map(|truth| truth[0].as_str()).collect();
    let missing: Vec<_> = CauseId::ALL.iter().filter(|cause| !single.contains(cause.as_str())).collect();
    assert!(missing.is_empty(), "no scenario has {missing:?}");
    let of = |count: usize| truths.iter().filter(|truth| truth.len() == count).count();
    assert!(of(1) >= 40 && of(0) >= 5 && of(2) >= 10, "{} faults, {} healthy, {} pairs", of(1), of(0), of(2));
}
