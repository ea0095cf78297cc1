//! The repository's files as the rules see them: Rust with comments and texts told apart from code.

use std::fs;
use std::path::Path;

/// One file. `code` has a line for each line of `text`; in Rust, comments and texts are blank there.
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: String,
    /// The texts of Rust code with the line they begin on.
    pub(super) literals: Vec<(usize, String)>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (code, literals) = if is_rust(path) { Lexer::run(text) } else { (text.to_owned(), Vec::new()) };
        Self { path: path.to_owned(), text: text.to_owned(), code, literals }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Rust that is shipped.
    pub(super) fn is_product(&self) -> bool {
        self.is_rust() && self.path.starts_with("src/")
    }

    /// The module below `src/` that this file belongs to: `src/store/sqlite/mod.rs` is of `store`, `src/wake.rs` of `wake`.
    pub(super) fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        Some(inside.split_once('/').map_or(inside.strip_suffix(".rs").unwrap_or(inside), |(module, _)| module))
    }

    pub(super) fn fault(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "rs")
}

/// Every text file below `root`, in the order of paths. Built things and files that are no text are left out.
pub(super) fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind of file"));
            let name = entry.file_name();
            // In a worktree, .git is a file.
            // The product has a folder named `target` too. Cargo marks only those that it created itself.
            let is_built = path == root.join("target") || path.join("CACHEDIR.TAG").exists();
            if is_built || [".git", "node_modules"].iter().any(|skipped| name == *skipped) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = fs::read_to_string(&path)
            {
                let inside = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
                found.push(Source::new(&inside, &text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Knows as much of Rust's lexical structure as it takes to tell code from comments and texts.
struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    literals: Vec<(usize, String)>,
}

impl<'a> Lexer<'a> {
    fn run(text: &'a str) -> (String, Vec<(usize, String)>) {
        let mut lexer = Self { rest: text, line: 1, code: String::with_capacity(text.len()), literals: Vec::new() };
        while !lexer.rest.is_empty() {
            lexer.step();
        }
        (lexer.code, lexer.literals)
    }

    fn step(&mut self) {
        let rest = self.rest;
        let in_word = self.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')).filter(|_| !in_word);
        if rest.starts_with("//") {
            self.blank(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(block_comment(rest));
        } else if let Some(fence) = raw.and_then(fence) {
            let open = rest.len() - raw.map_or(0, str::len) + fence + 1;
            let close = format!("\"{}", "#".repeat(fence));
            self.literal(open, rest[open..].find(&close).unwrap_or(rest.len() - open), close.len());
        } else if let Some(inside) = rest.strip_prefix('"') {
            self.literal(1, escaped(inside, '"'), 1);
        } else if let Some(length) = character(rest) {
            self.blank(length);
        } else {
            self.keep(rest.chars().next().map_or(1, char::len_utf8));
        }
    }

    fn literal(&mut self, open: usize, length: usize, close: usize) {
        self.literals.push((self.line, self.rest[open..open + length].to_owned()));
        self.code.push('"');
        self.blank(self.rest.len().min(open + length + close));
        self.code.push('"');
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.line += kept.matches('\n').count();
        self.code.push_str(kept);
        self.rest = rest;
    }

    /// Blanks keep their lines, and nothing else: offsets into `code` are good for lines only.
    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        let lines = blanked.matches('\n').count();
        self.line += lines;
        self.code.push(' ');
        self.code.extend(std::iter::repeat_n('\n', lines));
        self.rest = rest;
    }
}

/// The number of `#` before a raw text's quote, given what follows its `r`.
fn fence(after: &str) -> Option<usize> {
    let quote = after.find(|c| c != '#')?;
    after[quote..].starts_with('"').then_some(quote)
}

fn escaped(text: &str, end: char) -> usize {
    let mut escape = false;
    for (offset, c) in text.char_indices() {
        match c {
            _ if escape => escape = false,
            '\\' => escape = true,
            c if c == end => return offset,
            _ => {}
        }
    }
    text.len()
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at.min(text.len())
}

/// The length of a character in quotes; `None` for a lifetime and all else.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return Some(escaped(inside, '\'') + 2);
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[test]
fn code_is_told_from_comments_and_texts() {
    let text = "let a = 'x'; // crate::no\nlet b = \"crate::no\\\" {\"; /* crate::no /* } */\n */ fn f<'a>() {}\nlet c = r#\"crate::no \" {\"#;";
    let source = Source::new("src/x.rs", text);
    assert!(!source.code.contains("crate::no"), "{}", source.code);
    assert!(source.code.contains("fn f<'a>() {}"), "{}", source.code);
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert_eq!(source.literals, [(2, "crate::no\\\" {".to_owned()), (4, "crate::no \" {".to_owned())]);
}
