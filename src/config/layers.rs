//! Merges the layers (default, file, environment) and flattens the result into single settings.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::path::Path;

use config::builder::DefaultState;
use config::{
    Config as Layers, ConfigBuilder, ConfigError, Environment, File, FileFormat, Format, Map, Source, Value, ValueKind,
};

use super::error::ConfigProblem;

/// The default configuration, which also explains every key.
pub const DEFAULT: &str = include_str!("../../config/default.toml");

/// The key of a setting, one part for each level. Not a text with dots, because host names have dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(pub(super) Vec<String>);

impl KeyPath {
    pub(super) fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|&part| part.to_owned()).collect())
    }

    pub(super) fn child(&self, part: &str) -> Self {
        Self(self.0.iter().cloned().chain([part.to_owned()]).collect())
    }

    pub(super) fn starts_with(&self, parent: &Self) -> bool {
        self.0.starts_with(&parent.0)
    }
}

/// As TOML writes it: `routes[0].host`, `probe.edges."www.example.com"`.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        for (level, part) in self.0.iter().enumerate() {
            let index = part.starts_with('[') && part.ends_with(']');
            match (level, index) {
                (_, true) | (0, false) => f.write_str(part)?,
                _ if bare(part) => write!(f, ".{part}")?,
                _ => write!(f, ".{part:?}")?,
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum LeafValue {
    Text(String),
    Number(String),
    Switch(bool),
    EmptyList,
    EmptyTable,
}

impl fmt::Display for LeafValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => f.write_str(number),
            Self::Switch(on) => on.fmt(f),
            Self::EmptyList => f.write_str("an empty list"),
            Self::EmptyTable => f.write_str("an empty table"),
        }
    }
}

/// One setting, and the layer it comes from (`None`: the default).
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) value: LeafValue,
    pub(super) origin: Option<String>,
}

pub(super) type Leaves = BTreeMap<KeyPath, Leaf>;

/// All settings. A file that cannot be read or parsed is a problem; the other layers are still read.
pub(super) fn leaves(file: Option<&Path>, env: HashMap<String, String>, problems: &mut Vec<ConfigProblem>) -> Leaves {
    let mut builder = Layers::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
    if let Some(path) = file {
        builder = add_file(builder, path, problems);
    }
    let settings = Environment::with_prefix("REFRESHD").prefix_separator("__").separator("__").source(Some(env));
    let mut leaves = Leaves::new();
    match builder.add_source(settings).build().and_then(|layers| layers.collect()) {
        Ok(tree) => {
            for (key, value) in tree {
                flatten(KeyPath(vec![key]), value, &mut leaves);
            }
        }
        Err(error) => {
            problems.push(ConfigProblem {
                key: "configuration".to_owned(),
                detail: first_and_last_line(&error.to_string()),
            });
        }
    }
    leaves
}

fn add_file(
    builder: ConfigBuilder<DefaultState>,
    path: &Path,
    problems: &mut Vec<ConfigProblem>,
) -> ConfigBuilder<DefaultState> {
    let name = path.display().to_string();
    let mut note = |detail| problems.push(ConfigProblem { key: name.clone(), detail });
    // Not the crate's own file source: it also tries other file extensions, and cannot read a pipe.
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            note(format!("cannot be read ({error}), expected a configuration file"));
            return builder;
        }
    };
    match FileFormat::Toml.parse(Some(&name), &text) {
        Ok(settings) => builder.add_source(ParsedFile(settings)),
        Err(error) => {
            note(first_and_last_line(&error.to_string()));
            builder
        }
    }
}

/// A parsed file, whose values carry its name as their origin.
#[derive(Debug, Clone)]
struct ParsedFile(Map<String, Value>);

impl Source for ParsedFile {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// The first and last line of a parser's message: the place and the reason. The lines between quote the file, which may
/// hold a secret.
fn first_and_last_line(message: &str) -> String {
    let mut lines = message.lines();
    match (lines.next(), lines.next_back()) {
        (Some(place), Some(reason)) => format!("{place}: {reason}"),
        (Some(only), None) => only.to_owned(),
        (None, _) => String::new(),
    }
}

fn flatten(path: KeyPath, value: Value, leaves: &mut Leaves) {
    let origin = value.origin().map(str::to_owned);
    let leaf = match value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for (key, value) in table {
                flatten(path.child(&key), value, leaves);
            }
            return;
        }
        ValueKind::Array(list) if !list.is_empty() => {
            for (index, value) in list.into_iter().enumerate() {
                flatten(path.child(&format!("[{index}]")), value, leaves);
            }
            return;
        }
        ValueKind::Table(_) => LeafValue::EmptyTable,
        ValueKind::Array(_) => LeafValue::EmptyList,
        ValueKind::String(text) => LeafValue::Text(text),
        ValueKind::Boolean(on) => LeafValue::Switch(on),
        other => LeafValue::Number(other.to_string()),
    };
    leaves.insert(path, Leaf { value: leaf, origin });
}
