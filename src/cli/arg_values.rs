//! Arguments that several commands share, and how their values are parsed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::config::{DURATION, duration};

#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Read instead of /etc/refreshd/refreshd.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

pub(super) fn one_of(values: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(values)
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| format!("expected {DURATION}"))
}

pub(super) fn parse_label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE such as release=42".to_owned()),
    }
}
