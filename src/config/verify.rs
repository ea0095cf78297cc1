//! The section `verify`: how long, how often and where a job is verified.

use std::collections::BTreeMap;

use super::layers::KeyPath;
use super::parse::{ADDRESS, address, switch};
use super::reader::ConfigReader;
use super::settings::VerifyConfig;
use crate::domain::{Target, TargetKind, host_name};

/// Each target costs two probes, and a host is probed at most twenty times a second: more would take too long.
const SAMPLE_MAX: u32 = 300;

pub(super) fn read_verify(reader: &mut ConfigReader) -> Option<VerifyConfig> {
    let deadline = reader.duration(&["verify", "deadline"]);
    let grace = reader.duration(&["verify", "grace"]);
    let expected = format!("a whole number from 1 to {SAMPLE_MAX}");
    let sample = reader.require(&KeyPath::of(&["verify", "sample"]), &expected, |text| {
        text.parse().ok().filter(|sample| (1..=SAMPLE_MAX).contains(sample))
    });
    let repurge = reader.require(&KeyPath::of(&["verify", "repurge"]), "true or false", switch);
    let edges =
        read_lists(reader, "edges", "a list of addresses", |_, text| address(text).ok_or_else(|| ADDRESS.to_owned()));
    let directories = read_lists(reader, "directories", "a list of paths", |host, text| {
        let url = format!("https://{host}{text}");
        let is_path =
            text.starts_with('/') && Target::parse(TargetKind::Url, &url).is_ok_and(|url| url.as_str().ends_with(text));
        if is_path { Ok(text.to_owned()) } else { Err(r#"a path such as "/img/logo.svg""#.to_owned()) }
    });
    Some(VerifyConfig {
        deadline: deadline?,
        grace: grace?,
        sample: sample?,
        repurge: repurge?,
        edges: edges?,
        directories: directories?,
    })
}

/// A section with a list for each host, which must not be empty.
fn read_lists<T>(
    reader: &mut ConfigReader,
    key: &str,
    expected: &str,
    parse: impl Fn(&str, &str) -> Result<T, String>,
) -> Option<BTreeMap<String, Vec<T>>> {
    let section = KeyPath::of(&["verify", key]);
    reader.take_section(&section);
    let mut lists = Vec::new();
    for name in reader.names(&section) {
        let path = section.child(&name);
        let host = host_name(&name);
        if host.is_none() {
            reader.note(&path, "is not a host name, expected one in quotes".to_owned());
        }
        let list = reader.take_list(&path, expected, |text| parse(host.as_deref().unwrap_or("h.example"), text));
        if list.as_ref().is_some_and(Vec::is_empty) {
            reader.note(&path, format!("is empty, expected {expected}"));
        }
        lists.push(host.zip(list));
    }
    lists.into_iter().collect()
}
