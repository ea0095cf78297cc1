//! No file uses a file that uses it, however many stand between: a circle can only be read whole.
//!
//! A path is followed to the file that declares its item, through re-exports. A re-export itself is no use, nor is what a file
//! takes from the `mod.rs` of its own folder, or each folder would be a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

type Module = Vec<String>;

/// What the scan knows of one file.
struct File<'a> {
    path: &'a str,
    items: BTreeSet<String>,
    /// Name by name, where it comes from.
    exports: BTreeMap<String, Module>,
    uses: Vec<Module>,
}

/// Each circle as the paths of its files.
pub(super) fn circles(sources: &[Source]) -> Vec<Vec<String>> {
    let product: Vec<&Source> = sources.iter().filter(|source| source.is_product() && !is_test_file(source)).collect();
    let modules: BTreeSet<Module> = product.iter().map(|source| module_of(&source.path)).collect();
    let files: BTreeMap<Module, File<'_>> =
        product.iter().map(|source| (module_of(&source.path), read(source, &modules))).collect();
    let edges: BTreeMap<&str, BTreeSet<&str>> = files
        .values()
        .map(|file| {
            let targets = file.uses.iter().filter_map(|path| owner(path, &files, 0));
            let targets =
                targets.filter(|target| *target != file.path && !is_face_of_a_folder_around(target, file.path));
            (file.path, targets.collect())
        })
        .collect();
    strongly_connected(&edges)
}

/// What a folder's `mod.rs` declares is for the files in it: that is no circle, though it may use them.
fn is_face_of_a_folder_around(target: &str, path: &str) -> bool {
    target.strip_suffix("mod.rs").is_some_and(|folder| path.starts_with(folder))
}

fn is_test_file(source: &Source) -> bool {
    source.path.contains("/tests/")
        || ["/tests.rs", "/test_fixtures.rs", "_properties.rs"].iter().any(|end| source.path.ends_with(end))
}

fn module_of(path: &str) -> Module {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = inside.split('/').map(str::to_owned).filter(|part| !["mod", "lib", "main"].contains(&part.as_str()));
    parts.collect()
}

fn read<'a>(source: &'a Source, modules: &BTreeSet<Module>) -> File<'a> {
    let own = module_of(&source.path);
    let (mut exports, mut uses) = (BTreeMap::new(), Vec::new());
    let code = without_inline_tests(&source.code);
    for (path, is_export) in paths(code, &own, modules) {
        match path.last() {
            Some(name) if is_export => drop(exports.insert(name.clone(), path)),
            _ => uses.push(path),
        }
    }
    File { path: &source.path, items: items(code), exports, uses }
}

/// Tests inside a file stand at its end and use what is above them.
fn without_inline_tests(code: &str) -> &str {
    let inline = |at: usize| code[at..].lines().nth(1).is_some_and(|line| line.ends_with('{'));
    let at = code.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at).find(|at| inline(*at));
    &code[..at.unwrap_or(code.len())]
}

fn items(code: &str) -> BTreeSet<String> {
    let kinds = ["struct", "enum", "trait", "type", "union", "fn", "const", "static"];
    let mut items = BTreeSet::new();
    for line in code.lines().filter(|line| !line.starts_with(char::is_whitespace)) {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if kinds.contains(&word) && !["fn"].contains(&words.clone().next().unwrap_or_default()) {
                items.extend(words.next().map(str::to_owned));
                break;
            }
        }
    }
    items
}

/// Every path of this crate that the code names, from the root, and whether it is only re-exported.
fn paths(code: &str, own: &Module, modules: &BTreeSet<Module>) -> Vec<(Module, bool)> {
    let mut found = Vec::new();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = 0;
    while let Some(at) = code[rest..].find("::").map(|at| at + rest) {
        let start = code[..at].rfind(|c| !word(c)).map_or(0, |before| before + 1);
        let (root, end) = (&code[start..at], end_of_tree(&code[at..]) + at);
        let base = match root {
            "crate" => Some(Vec::new()),
            "self" => Some(own.clone()),
            "super" => own.split_last().map(|(_, parent)| parent.to_vec()),
            name => {
                let child: Module = own.iter().cloned().chain([name.to_owned()]).collect();
                modules.contains(&child).then_some(child)
            }
        };
        rest = if base.is_some() { end } else { at + 2 };
        let Some(base) = base else { continue };
        let before = code[..start].trim_end();
        let statement = before.rfind([';', '}']).map_or(0, |end| end + 1);
        let is_export = before.ends_with("use") && code[statement..start].trim_start().starts_with("pub");
        let is_export = is_export || (before.ends_with("use") && code[statement..start].contains("\npub"));
        found.extend(members(&code[at + 2..end], &base).into_iter().map(|path| (path, is_export)));
    }
    found
}

/// Where the path or the tree that begins with `::` ends.
fn end_of_tree(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' if code[..at].ends_with("::") || depth > 0 => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ if depth > 0 || c.is_alphanumeric() || "_:*".contains(c) => {}
            _ => return at,
        }
    }
    code.len()
}

/// The paths of a tree behind `base`: `a::{b, c::d}` is two.
fn members(tree: &str, base: &Module) -> Vec<Module> {
    let (head, group) = tree.split_once('{').map_or((tree, None), |(head, group)| (head, Some(group)));
    let mut path = base.clone();
    for part in head.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "*") {
        match part.split_whitespace().next().unwrap_or(part) {
            "super" => drop(path.pop()),
            "self" => {}
            part => path.push(part.to_owned()),
        }
    }
    let Some(group) = group else { return vec![path] };
    let (mut depth, mut member, mut list) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                list.push(std::mem::take(&mut member));
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        member.push(c);
    }
    list.push(member);
    list.iter().filter(|member| !member.trim().is_empty()).flat_map(|member| members(member.trim(), &path)).collect()
}

/// The file that declares what a path leads to.
fn owner<'a>(path: &Module, files: &BTreeMap<Module, File<'a>>, depth: usize) -> Option<&'a str> {
    let length = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let file = &files[&path[..length]];
    let exported = path.get(length).and_then(|name| (!file.items.contains(name)).then(|| file.exports.get(name))?);
    match exported {
        Some(from) if depth < 8 && from != path => owner(from, files, depth + 1),
        _ => Some(file.path),
    }
}

fn reach<'a>(from: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(edges.get(file).into_iter().flatten().copied().filter(|next| reached.insert(*next)));
    }
    reached
}

fn strongly_connected(edges: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file, edges))).collect();
    let mut circles = BTreeSet::new();
    for (file, beyond) in reached.iter().filter(|(file, beyond)| beyond.contains(*file)) {
        let circle: Vec<String> =
            beyond.iter().filter(|other| reached[*other].contains(file)).map(|other| (*other).to_owned()).collect();
        circles.insert(circle);
    }
    circles.into_iter().collect()
}

#[test]
fn a_circle_is_caught_through_a_re_export_and_a_folder_is_none() {
    let tree = |leaf: &str| {
        [
            Source::new(
                "src/engine/mod.rs",
                "mod account;\nmod status;\npub use account::Account;\npub struct Deps;\n",
            ),
            Source::new("src/engine/account.rs", "use super::status::{Status, show};\npub struct Account;\n"),
            Source::new("src/engine/status.rs", leaf),
        ]
    };
    let circle = circles(&tree("use super::Account;\npub struct Status;\npub fn show() {}\n"));
    assert_eq!(circle, [["src/engine/account.rs", "src/engine/status.rs"]]);
    assert!(
        circles(&tree("use super::Deps;\npub struct Status;\n#[cfg(test)]\nmod tests { use super::super::Account; }"))
            .is_empty()
    );
    let face = [
        Source::new("src/x/mod.rs", "mod a;\nfn f() -> a::A { a::A }\npub struct B;\n"),
        Source::new("src/x/a.rs", "pub struct A(super::B);\n"),
    ];
    assert!(circles(&face).is_empty(), "what mod.rs declares is for the files of its folder");
}
