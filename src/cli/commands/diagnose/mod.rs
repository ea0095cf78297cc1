//! `refreshd diagnose URL|JOB|HOST`: finds out why a refresh failed or had no effect, and what to do.

mod bundle;
mod render;

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use clap::Args;

use crate::api::routes::diagnoses::wire::{DiagnosisAnswer, DiagnosisBody};
use crate::cli::client::ApiClient;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::terminal;
use crate::domain::{JobId, host_name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd diagnose https://www.example.com/app.js
  refreshd diagnose job_0192f3a000007000800000000000002a --bundle ticket.zip
  refreshd diagnose www.example.com --json | jq -r '.causes[0].id'";

pub(crate) const CODES: &str = "\
Checks the request, the account, the domain, the origin and the edge, for up to
ten seconds, and changes nothing. A bundle is a zip of the diagnosis, the
evidence and the times, without secrets. It needs the scope diagnose, a scope
to purge or prefetch on the host, and a route for the host.

Exit codes: 0 diagnosed, whatever the result; for the others and for the
environment see refreshd --help.";

#[derive(Debug, Args)]
pub struct DiagnoseArguments {
    /// A URL as a visitor requests it, a job's id, or a host
    #[arg(value_name = "URL|JOB|HOST", value_parser = parse_subject)]
    pub subject: DiagnosisBody,
    /// Write a zip for a support ticket; the file must not exist
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Print what POST /v1/diagnoses answers
    #[arg(long)]
    pub json: bool,
}

/// Job, URL or host, by its form: job_…, scheme://…, or neither.
fn parse_subject(text: &str) -> Result<DiagnosisBody, String> {
    let none = DiagnosisBody::default();
    if text.starts_with("job_") {
        return match text.parse::<JobId>() {
            Ok(id) => Ok(DiagnosisBody { job: Some(id.to_string()), ..none }),
            Err(error) => Err(error.to_string()),
        };
    }
    if text.contains("://") {
        return Ok(DiagnosisBody { url: Some(text.to_owned()), ..none });
    }
    match host_name(text) {
        Some(host) => Ok(DiagnosisBody { host: Some(host), ..none }),
        None => Err("expected a URL such as https://www.example.com/app.js, a job's id, or a host".to_owned()),
    }
}

pub(crate) async fn run(arguments: &DiagnoseArguments) -> Result<u8, CliError> {
    // Before the request, so that an unusable file is reported at once and not after ten seconds.
    let destination = arguments.bundle.as_deref().map(bundle::BundleDestination::reserve).transpose()?;
    let client = ApiClient::from_environment()?;
    if stderr().is_terminal() {
        terminal::note("checking, for up to ten seconds …");
    }
    let answer: DiagnosisAnswer = client.post(&["v1", "diagnoses"], &arguments.subject).await?;
    if arguments.json {
        terminal::print_json(&answer)?;
    } else {
        terminal::print(&render::diagnosis_text(&answer))?;
    }
    if let Some(destination) = destination {
        let zip = client.download(&["v1", "diagnoses", &answer.id, "bundle"]).await?;
        destination.write(&zip)?;
    }
    Ok(exit::SUCCEEDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_seen_by_its_form() {
        let job = "job_0192f3a000007000800000000000002a";
        assert_eq!(parse_subject(job).expect("a job").job.as_deref(), Some(job));
        let url = "https://www.example.com/a b";
        assert_eq!(
            parse_subject(url).expect("a URL").url.as_deref(),
            Some(url),
            "the daemon says what is wrong with it"
        );
        assert_eq!(parse_subject("WWW.Example.com").expect("a host").host.as_deref(), Some("www.example.com"));
        for wrong in ["job_12", "www.example.com/a.js", "", "a b"] {
            assert!(parse_subject(wrong).is_err(), "{wrong}");
        }
    }
}
