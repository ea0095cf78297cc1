//! Who may use whom: the house of STYLE §1 as a table, checked on every path that is written in `src/`.

use super::source::Source;

/// Floors from the ground up, each with the floors it may look down on.
const FLOORS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("provider", &["domain"]),
    ("probe", &["domain"]),
    ("engine", &["domain", "store", "provider", "probe"]),
    ("diagnose", &["domain", "store", "provider", "probe"]),
    ("service", &["domain", "store", "engine", "diagnose"]),
    ("api", &["domain", "service", "store"]),
    ("web", &["domain", "service", "store"]),
    // The wiring: all but the roof and the island.
    ("daemon", &["domain", "store", "provider", "probe", "engine", "diagnose", "service", "api", "web"]),
    // An island: the simulated cloud must not learn the wire from the client that is tested against it.
    ("sandbox", &["domain"]),
];
const FITTINGS: [&str; 6] = ["clock", "random", "offload", "notify", "config", "telemetry"];
const ROOF: [&str; 3] = ["cli", "main", "lib"];
/// All that the island may take from the rules, and from the fittings.
const ISLAND_TAKES: [&str; 2] = ["domain::Timestamp", "clock"];

/// Concrete stores and providers are named where the daemon is put together, and by commands that work on the database
/// file itself. `config` knows the provider's word.
const CONCRETE_NAMED_IN: [&str; 8] = [
    "src/store/sqlite/",
    "src/store/mod.rs",
    "src/provider/tencent/",
    "src/provider/mod.rs",
    "src/daemon/",
    "src/cli/demo/",
    "src/cli/commands/token.rs",
    "src/config/",
];

pub(super) fn looks_only_down(source: &Source) -> Vec<String> {
    let Some(module) = source.module().filter(|_| source.is_product()) else { return Vec::new() };
    if ROOF.contains(&module) {
        return Vec::new();
    }
    let floor = FLOORS.iter().find(|(name, _)| *name == module);
    if floor.is_none() && !FITTINGS.contains(&module) {
        return vec![source.fault(1, format!("{module} is no floor and no fitting of the house"))];
    }
    let mut faults = Vec::new();
    for (line, path) in paths_from_the_root(source) {
        let used = path.split("::").next().unwrap_or_default();
        let may = match floor {
            _ if used == module => true,
            Some((_, floors)) => floors.contains(&used) || (module != "domain" && FITTINGS.contains(&used)),
            None => used == "domain" || FITTINGS.contains(&used),
        };
        let island = module == "sandbox" && used != module && !takes_for_island(&path);
        if is_module(used) && (!may || island) {
            faults.push(source.fault(line, format!("{module} may not use {path}")));
        }
    }
    faults
}

fn takes_for_island(path: &str) -> bool {
    ISLAND_TAKES
        .iter()
        .any(|taken| path == *taken || path.strip_prefix(taken).is_some_and(|rest| rest.starts_with("::")))
}

fn is_module(name: &str) -> bool {
    FLOORS.iter().any(|(floor, _)| *floor == name) || FITTINGS.contains(&name) || ROOF.contains(&name)
}

/// Every path that begins at the crate's root, by `crate` or by enough `super`, without that beginning. A group gives
/// one path for each of its members.
fn paths_from_the_root(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut paths = Vec::new();
    let mut add = |offset: usize, tail: &str| {
        for path in members(tail) {
            paths.push((source.line_of(offset), path));
        }
    };
    for (offset, word) in code.match_indices("crate::") {
        if !code[..offset].ends_with(is_word) {
            add(offset, &code[offset + word.len()..]);
        }
    }
    // `src/engine/drive.rs` is two levels below the root, its `mod.rs` one; deeper chains come from modules inside.
    let levels = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
    for (offset, _) in code.match_indices("super::") {
        let chain = code[offset..].split("super::").take_while(|gap| gap.is_empty()).count();
        if chain >= levels.max(1) && !code[..offset].ends_with("super::") && !code[..offset].ends_with(is_word) {
            add(offset, &code[offset + chain * "super::".len()..]);
        }
    }
    paths
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `a::b` of `a::b::{…}` and of `{a::b, …}` each: two parts are enough to judge by.
fn members(tail: &str) -> Vec<String> {
    let Some(group) = tail.strip_prefix('{') else {
        let end = tail.find(|c| !is_word(c) && c != ':').unwrap_or(tail.len());
        let (head, group) = (tail[..end].trim_end_matches(':'), tail[end..].strip_prefix('{'));
        let parts: Vec<&str> = head.split("::").take(2).collect();
        return match group {
            Some(_) if parts.len() == 1 => {
                members(&tail[end..]).into_iter().map(|member| format!("{head}::{member}")).collect()
            }
            _ => vec![parts.join("::")],
        };
    };
    let (mut depth, mut member, mut found) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                found.push(std::mem::take(&mut member));
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if !c.is_whitespace() {
            member.push(c);
        }
    }
    found.push(member);
    found.iter().filter(|member| !member.is_empty()).flat_map(|member| members(member)).collect()
}

pub(super) fn names_the_concrete_where_it_is_built(source: &Source) -> Vec<String> {
    let exempt =
        source.module() == Some("sandbox") || CONCRETE_NAMED_IN.iter().any(|place| source.path.starts_with(place));
    if !source.is_product() || exempt {
        return Vec::new();
    }
    let concrete = |word: &&str| {
        *word == "sqlite" || *word == "tencent" || word.starts_with("Sqlite") || word.starts_with("Tencent")
    };
    let words = |line: &str| line.split(|c| !is_word(c)).find(concrete).map(str::to_owned);
    let lines = source.code.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            Some(source.fault(index + 1, format!("{} is named away from where it is built", words(line)?)))
        })
        .collect()
}

#[test]
fn a_look_up_or_sideways_is_caught() {
    for (path, code, caught) in [
        ("src/store/mod.rs", "use crate::engine::Grant;", "store may not use engine::Grant"),
        ("src/engine/poll.rs", "use crate::diagnose;", "engine may not use diagnose"),
        (
            "src/engine/poll.rs",
            "use crate::{\n    domain::Lane,\n    service::{Plan, Cancel},\n};",
            "engine may not use service::Plan",
        ),
        ("src/probe/dns.rs", "fn f(x: crate::provider::Answer) {}", "probe may not use provider::Answer"),
        ("src/probe/dns.rs", "use super::super::engine::X;", "probe may not use engine::X"),
        ("src/domain/lane.rs", "use crate::clock::Clock;", "domain may not use clock::Clock"),
        ("src/api/jobs.rs", "use crate::engine::Wake;", "api may not use engine::Wake"),
        ("src/api/jobs.rs", "use crate::web::Page;", "api may not use web::Page"),
        ("src/sandbox/sign.rs", "use crate::provider::sign;", "sandbox may not use provider::sign"),
        ("src/sandbox/sign.rs", "use crate::domain::{Timestamp, Target};", "sandbox may not use domain::Target"),
        ("src/sandbox/sign.rs", "use crate::config::Config;", "sandbox may not use config::Config"),
        ("src/provider/mod.rs", "use crate::sandbox::Fault;", "provider may not use sandbox::Fault"),
        ("src/config/mod.rs", "use crate::engine::Pace;", "config may not use engine::Pace"),
        ("src/clock.rs", "use super::store::Store;", "clock may not use store::Store"),
        ("src/store/mod.rs", "use crate::cli;", "store may not use cli"),
        ("src/misc.rs", "", "misc is no floor"),
    ] {
        let faults = looks_only_down(&Source::new(path, code));
        assert!(faults.iter().any(|fault| fault.contains(caught)), "{path} {code}: {faults:?}");
    }
    for (path, code) in [
        ("src/engine/poll.rs", "use crate::{clock::Clock, domain::{Lane, Target}, store::Store};"),
        ("src/engine/poll.rs", "// crate::service\nuse super::{drive, notify}; mod tests { use super::super::drive; }"),
        ("src/sandbox/sign.rs", "use crate::clock::Clock;\nuse crate::domain::Timestamp;\nuse crate::sandbox::Cloud;"),
        ("src/domain/words.rs", "type Err = $crate::domain::UnknownWord; \"crate::store\""),
        ("src/cli/serve.rs", "use crate::sandbox::Sandbox;"),
    ] {
        assert_eq!(looks_only_down(&Source::new(path, code)), Vec::<String>::new(), "{path} {code}");
    }
}

#[test]
fn a_concrete_store_or_provider_elsewhere_is_caught() {
    for code in
        ["use crate::store::sqlite::open;", "fn f(store: &SqliteStore) {}", "use crate::provider::{tencent, Answer};"]
    {
        let source = Source::new("src/engine/poll.rs", code);
        assert_eq!(names_the_concrete_where_it_is_built(&source).len(), 1, "{code}");
        let source = Source::new("src/daemon/wiring.rs", code);
        assert!(names_the_concrete_where_it_is_built(&source).is_empty(), "{code}");
    }
}
