//! What the tests of the configuration share.

mod accounts;
mod default_file;
mod overrides;
mod problems;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::NamedTempFile;

use super::*;
use crate::domain::AccountName;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn variables(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const fn limits_of(_: ProviderKind) -> ProviderLimits {
    ProviderLimits { calls_per_second: 20, batch_targets: 1_000 }
}

fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(Some(file(text).path()), variables(env), limits_of)
}

fn accepted(text: &str) -> Config {
    load(text, &[]).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn problems(text: &str, env: &[(&str, &str)]) -> Vec<(String, String)> {
    let error = load(text, env).expect_err(text);
    assert_eq!(error.to_string().lines().count(), error.problems.len(), "one problem on each line: {error}");
    error.problems.into_iter().map(|problem| (problem.key, problem.detail)).collect()
}

fn keys(text: &str, env: &[(&str, &str)]) -> Vec<String> {
    problems(text, env).into_iter().map(|(key, _)| key).collect()
}

/// The default with its examples switched on: lines that begin with # and no space.
fn default_with_examples() -> String {
    let text = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| !c.is_whitespace()) => setting.to_owned(),
        _ => line.to_owned(),
    };
    DEFAULT.lines().map(text).collect::<Vec<_>>().join("\n")
}

/// A file as `probe.ca_file` names one.
fn private_root() -> NamedTempFile {
    file(&rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).expect("a certificate").cert.pem())
}
