//! The habits that a text scan can hold: lengths, heads, names, clocks in SQL, serde at the edges, nothing of this machine.

use super::source::Source;

const FILE_LINES_MAX: usize = 400;

pub(super) fn opens_with_a_head(source: &Source) -> Vec<String> {
    match source.text.lines().next() {
        Some(line) if source.is_rust() && !line.starts_with("//!") => {
            vec![source.fault(1, "the file does not open with //! and what this module knows")]
        }
        _ => Vec::new(),
    }
}

pub(super) fn is_short(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if !source.is_rust() || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let before_tests = source.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    let hint =
        if before_tests <= FILE_LINES_MAX { "; its tests alone make it so, move them to a file beside it" } else { "" };
    vec![source.fault(lines, format!("{lines} lines, at most {FILE_LINES_MAX} are allowed{hint}"))]
}

/// What needs the standard library and two crates cannot do I/O, wait, or know a wire. `crates` are all we depend on.
pub(super) fn keeps_rules_pure(source: &Source, crates: &[String]) -> Vec<String> {
    if source.module() != Some("domain") {
        return Vec::new();
    }
    let foreign =
        crates.iter().filter(|name| !["thiserror", "url"].contains(&name.as_str())).map(|name| format!("{name}::"));
    let io = ["std::fs", "std::io", "std::env", "std::thread", "std::process", "async fn", "async move", ".await"];
    let refused: Vec<String> = foreign.chain(io.map(str::to_owned)).collect();
    lines_with(source, &source.code, &refused, |word| format!("domain has no use for {}", word.trim_end_matches(':')))
}

pub(super) fn derives_serde_at_the_edges(source: &Source) -> Vec<String> {
    let edge = source.path.ends_with("/wire.rs") || source.module() == Some("config");
    if !source.is_product() || edge {
        return Vec::new();
    }
    let derives = source.code.match_indices("derive(").filter(|(offset, _)| {
        let list = source.code[*offset..].split(')').next().unwrap_or_default();
        list.contains("Serialize") || list.contains("Deserialize")
    });
    derives.map(|(offset, _)| source.fault(source.line_of(offset), "serde is derived outside of a wire.rs")).collect()
}

pub(super) fn asks_no_clock_in_sql(source: &Source) -> Vec<String> {
    let asks = |sql: &str| {
        let sql = sql.to_lowercase();
        let clocks =
            ["now()", "current_timestamp", "current_date", "current_time", "'now", "unixepoch()", "julianday()"];
        clocks.into_iter().find(|clock| sql.match_indices(clock).any(|(at, _)| !sql[..at].ends_with(['.', '_'])))
    };
    let fault = |line, clock| source.fault(line, format!("SQL asks a clock ({clock}); hand in the time"));
    if source.path.ends_with(".sql") {
        let statement = |line: &str| line.split("--").next().unwrap_or_default().to_owned();
        return source
            .text
            .lines()
            .enumerate()
            .filter_map(|(i, line)| Some(fault(i + 1, asks(&statement(line))?)))
            .collect();
    }
    let literals = source.literals.iter().filter(|_| source.is_product());
    literals.filter_map(|(line, text)| Some(fault(*line, asks(text)?))).collect()
}

pub(super) fn is_named_by_duty(source: &Source) -> Vec<String> {
    let refused = ["util", "utils", "common", "types", "models", "helpers"];
    if !source.is_rust() {
        return Vec::new();
    }
    let parts = source.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let mut faults: Vec<String> = parts
        .filter(|part| refused.contains(part))
        .map(|part| source.fault(1, format!("{part} says nothing of a duty; name what is in it")))
        .collect();
    let inline = refused.map(|name| format!("mod {name} {{"));
    faults.extend(lines_with(source, &source.code, &inline, |name| format!("{name} says nothing of a duty")));
    faults
}

/// Nothing in the repository may work on one machine only, or say where packages come from. The lock file must.
pub(super) fn belongs_to_no_machine(source: &Source) -> Vec<String> {
    if source.path == "Cargo.lock" {
        return Vec::new();
    }
    // Each is put together here, or this file would be the first to break the rule.
    let folders = ["work", "home", "root"].map(|name| format!("/{name}/"));
    let registries = [
        ("crates", "io"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb.debian", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("gcr", "io"),
        ("quay", "io"),
        ("proxy.golang", "org"),
    ]
    .map(|(name, ending)| format!("{name}.{ending}"));
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        // Inside of a longer path or a URL, the same letters are somebody else's folder.
        let absolute = |folder: &&String| {
            line.match_indices(folder.as_str())
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/})*".contains(c)))
        };
        let found =
            folders.iter().find(absolute).or_else(|| registries.iter().find(|host| line.contains(host.as_str())));
        if let Some(found) = found {
            faults.push(source.fault(index + 1, format!("{found} belongs to a machine, not to the repository")));
        }
    }
    faults
}

/// One fault for each line of `code` with one of `refused` in it, unless as the end of a longer word.
fn lines_with(source: &Source, code: &str, refused: &[String], what: impl Fn(&str) -> String) -> Vec<String> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let stands = |line: &str, word: &str| {
        let within = |at: usize| word.starts_with(in_word) && line[..at].ends_with(in_word);
        line.match_indices(word).any(|(at, _)| !within(at))
    };
    let mut faults = Vec::new();
    for (index, line) in code.lines().enumerate() {
        if let Some(word) = refused.iter().find(|word| stands(line, word)) {
            faults.push(source.fault(index + 1, what(word)));
        }
    }
    faults
}
