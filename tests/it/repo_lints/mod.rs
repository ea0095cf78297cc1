//! The house rules of STYLE that a scan of the repository can hold. Every rule is a function from a file to its faults,
//! and every rule has been seen to catch what it forbids.

mod circles;
mod floors;
mod habits;
mod names;
mod source;

use std::path::Path;

use source::Source;

/// The crates that the product depends on, as paths name them; those of tests alone are left out.
fn crates(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]\n")).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split_once([' ', '=', '.']));
    names.map(|(name, _)| name.replace('-', "_")).filter(|name| !name.starts_with('#')).collect()
}

fn faults_of(source: &Source, crates: &[String]) -> Vec<String> {
    let rules: [fn(&Source) -> Vec<String>; 10] = [
        floors::looks_only_down,
        floors::names_the_concrete_where_it_is_built,
        habits::opens_with_a_head,
        habits::is_short,
        habits::derives_serde_at_the_edges,
        habits::asks_no_clock_in_sql,
        habits::is_named_by_duty,
        habits::belongs_to_no_machine,
        names::calls_errors_so,
        names::has_no_bare_participle,
    ];
    rules.iter().flat_map(|rule| rule(source)).chain(habits::keeps_rules_pure(source, crates)).collect()
}

#[test]
fn the_house_is_tidy() {
    let sources = source::sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let manifest = sources.iter().find(|source| source.path == "Cargo.toml").expect("the manifest");
    let crates = crates(&manifest.text);
    // A scan that reads nothing finds nothing: these are there, whatever else comes and goes.
    assert!(
        crates.contains(&"tokio".to_owned()) && sources.iter().any(|source| source.path == "src/domain/target/mod.rs")
    );
    let mut faults: Vec<String> = sources.iter().flat_map(|source| faults_of(source, &crates)).collect();
    faults.extend(names::exported_twice(&sources));
    faults.extend(circles::circles(&sources).iter().map(|circle| format!("a circle of files: {}", circle.join(", "))));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The faults of one rule in a snippet that is `path`.
fn caught(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> Vec<String> {
    rule(&Source::new(path, text))
}

#[test]
fn a_file_without_a_head_is_caught() {
    assert_eq!(caught(habits::opens_with_a_head, "src/x.rs", "use std::fmt;\n").len(), 1);
    assert!(caught(habits::opens_with_a_head, "src/x.rs", "//! Knows.\n").is_empty());
    assert!(caught(habits::opens_with_a_head, "README.md", "# x\n").is_empty());
}

#[test]
fn a_long_file_is_caught_and_long_tests_are_told_apart() {
    let lines = |count: usize| "x\n".repeat(count);
    assert!(caught(habits::is_short, "src/x.rs", &lines(400)).is_empty());
    let long = caught(habits::is_short, "src/x.rs", &lines(401));
    assert!(long.len() == 1 && !long[0].contains("tests"), "{long:?}");
    let tests = caught(habits::is_short, "src/x.rs", &format!("{}#[cfg(test)]\n{}", lines(300), lines(200)));
    assert!(tests.len() == 1 && tests[0].contains("tests"), "{tests:?}");
}

#[test]
fn a_rule_that_does_io_waits_or_knows_a_wire_is_caught() {
    let crates = crates(
        "[package]\nname = \"x\"\n\n[dependencies]\ntokio-util = \"1\"\nserde = { version = \"1\" }\nurl = \"2\"\n\n[dev-dependencies]\nproptest = \"1\"\n",
    );
    assert_eq!(crates, ["tokio_util", "serde", "url"]);
    let faults = |path, code| habits::keeps_rules_pure(&Source::new(path, code), &crates);
    for code in ["use tokio_util::sync;", "serde::de()", "use std::fs;", "async fn f() {}", "x.await;"] {
        assert_eq!(faults("src/domain/x.rs", code).len(), 1, "{code}");
        assert!(faults("src/engine/x.rs", code).is_empty(), "{code}");
    }
    for code in ["use url::Url;", "use proptest::prelude::*;", "use std::net::IpAddr;", "// serde::x", "my_serde::x()"]
    {
        assert!(faults("src/domain/x.rs", code).is_empty(), "{code}");
    }
}

#[test]
fn serde_away_from_the_edges_is_caught() {
    let code = "#[derive(Debug,\n    serde::Serialize)]\nstruct X;";
    assert_eq!(caught(habits::derives_serde_at_the_edges, "src/api/jobs.rs", code).len(), 1);
    assert!(caught(habits::derives_serde_at_the_edges, "src/api/wire.rs", code).is_empty());
    assert!(
        caught(habits::derives_serde_at_the_edges, "src/api/jobs.rs", "#[derive(Debug)] struct Serialize;").is_empty()
    );
}

#[test]
fn a_clock_in_sql_is_caught() {
    for sql in
        ["select NOW()", "values (current_timestamp)", "where at < datetime('now', '-1 day')", "select unixepoch()"]
    {
        assert_eq!(caught(habits::asks_no_clock_in_sql, "src/store/x.sql", sql).len(), 1, "{sql}");
        let rust = format!("\n    query(\"{sql}\")");
        assert_eq!(caught(habits::asks_no_clock_in_sql, "src/store/x.rs", &rust).len(), 1, "{sql}");
    }
    assert!(caught(habits::asks_no_clock_in_sql, "src/store/x.sql", "select ?1 -- never now()").is_empty());
    assert!(caught(habits::asks_no_clock_in_sql, "src/web/x.rs", "\"Date.now()\"; clock.now()").is_empty());
}

#[test]
fn a_name_without_a_duty_is_caught() {
    for path in ["src/utils.rs", "src/store/common/mod.rs", "tests/it/helpers.rs", "src/api/types.rs"] {
        assert_eq!(caught(habits::is_named_by_duty, path, "").len(), 1, "{path}");
    }
    assert_eq!(caught(habits::is_named_by_duty, "src/x.rs", "mod util {").len(), 1);
    assert!(caught(habits::is_named_by_duty, "src/store/mod.rs", "let types = 1;").is_empty());
}

#[test]
fn what_belongs_to_a_machine_is_caught() {
    for text in [
        ["see /ho", "me/me/notes"].concat(),
        ["path = \"/wo", "rk/x\""].concat(),
        ["index = https://index.crates", ".io/"].concat(),
        ["FROM gcr", ".io/distroless/cc"].concat(),
    ] {
        assert_eq!(caught(habits::belongs_to_no_machine, "docs/x.md", &text).len(), 1, "{text}");
    }
    let url = ["https://www.example.com/ho", "me/index.html"].concat();
    assert!(caught(habits::belongs_to_no_machine, "docs/x.md", &url).is_empty(), "a path of a URL");
}
