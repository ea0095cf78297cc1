//! A diagnosis as files for a support ticket, in one zip. Pure: from what is kept to bytes, with no secret in any of them.

mod attachments_from_evidence;
mod attachments_from_input;
mod redact;
mod report;
mod times;

pub(super) use attachments_from_evidence::attachments_from_evidence;
pub use attachments_from_input::attachments_from_input;
pub(super) use redact::redact;
pub(super) use times::utc;

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::wire::DiagnosisRecord;

/// What is told of the daemon beside the diagnosis.
#[derive(Debug, Clone, Copy)]
pub struct BundleMetadata<'a> {
    pub version: &'a str,
    /// As `config show` prints it; none: not for this reader.
    pub configuration: Option<&'a str>,
}

/// One file of the bundle.
struct BundleFile {
    name: String,
    text: String,
}

/// The bundle: `report.md` for people, `report.json` for programs, and the evidence, all in one folder.
#[must_use]
pub fn zip(dossier: &DiagnosisRecord, about: BundleMetadata<'_>) -> Vec<u8> {
    let folder = format!("refreshd-{}", dossier.answer.id);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Texts of some kilobytes: not worth a decompressor.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for file in files(dossier, about) {
        zip.start_file(format!("{folder}/{}", file.name), options).expect("names are short and differ");
        zip.write_all(file.text.as_bytes()).expect("memory takes all that is written to it");
    }
    zip.finish().expect("memory takes all that is written to it").into_inner()
}

fn files(dossier: &DiagnosisRecord, about: BundleMetadata<'_>) -> Vec<BundleFile> {
    let mut files: Vec<BundleFile> = Vec::new();
    for attachment in &dossier.evidence {
        let name = distinct(&attachment.name, &files);
        files.push(BundleFile { name, text: attachment.text.clone() });
    }
    let configuration = about.configuration.map_or_else(
        || "# The configuration is shown to tokens with the scope oncall or admin only.\n".to_owned(),
        str::to_owned,
    );
    files.push(BundleFile { name: "configuration.toml".to_owned(), text: configuration });
    let json = serde_json::to_string_pretty(&dossier.answer).expect("a diagnosis is texts and lists of texts");
    let report = report::markdown(&dossier.answer, &files, about.version);
    files.insert(0, BundleFile { name: "report.json".to_owned(), text: json + "\n" });
    files.insert(0, BundleFile { name: "report.md".to_owned(), text: report });
    for file in &mut files {
        file.text = redact(&file.text);
    }
    files
}

/// A name that cannot leave the folder or meet another, whatever was asked for.
fn distinct(name: &str, files: &[BundleFile]) -> String {
    const RESERVED: [&str; 3] = ["report.md", "report.json", "configuration.toml"];
    let harmless =
        |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().take(60).map(harmless).collect();
    let name = name.trim_start_matches(['.', '-']).to_owned();
    let is_taken =
        |name: &str| name.is_empty() || RESERVED.contains(&name) || files.iter().any(|file| file.name == name);
    let mut number = 1;
    let mut free = name.clone();
    while is_taken(&free) {
        number += 1;
        free = format!("{number}-{name}");
    }
    free
}

#[cfg(test)]
mod tests;
