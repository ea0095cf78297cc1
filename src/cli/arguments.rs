//! What may be written on the command line. Help opens with examples.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

use super::commands::cancel;
use super::commands::cancel::CancelArguments;
use super::commands::diagnose;
use super::commands::diagnose::DiagnoseArguments;
use super::commands::doctor;
use super::commands::doctor::DoctorArguments;
use super::commands::jobs;
use super::commands::jobs::JobsArguments;
use super::commands::lanes;
use super::commands::lanes::LanesArguments;
use super::commands::quota;
use super::commands::quota::QuotaArguments;
use super::commands::retry;
use super::commands::retry::RetryArguments;
use super::commands::token::TokenCommand;
use super::commands::watch;
use super::commands::watch::WatchArguments;
use crate::config::{DURATION, duration};
use crate::domain::{Area, JobId, Mode, Priority};

const EXAMPLES: &str = "\
Examples:
  refreshd demo
  refreshd purge https://www.example.com/app.js --wait
  refreshd job job_0192f3a000007000800000000000002a
  refreshd serve --config /etc/refreshd/refreshd.toml";

const ENVIRONMENT: &str = "\
Environment of the commands that ask a daemon:
  REFRESHD_URL         where it is; http://127.0.0.1:8470 if unset
  REFRESHD_TOKEN       the token, or
  REFRESHD_TOKEN_FILE  a file that holds nothing else

Exit codes of these commands: 0 succeeded; 1 nothing succeeded; 2 usage, or
refused by the daemon as wrong; 3 still open at the timeout; 4 token, scope or
unknown id; 5 no answer; 6 partial; 7 succeeded but seen stale; 130 interrupted.";

/// Makes a CDN serve fresh content: durable, quota-aware purge and prefetch, with proof at the edge.
#[derive(Debug, Parser)]
#[command(name = "refreshd", version, before_help = EXAMPLES, after_help = ENVIRONMENT, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the CDN forget URLs or directories
    #[command(before_help = PURGE_EXAMPLES, after_help = ENVIRONMENT)]
    Purge(Box<SubmitArguments>),
    /// Make the CDN load URLs before somebody asks for them
    #[command(before_help = PREFETCH_EXAMPLES, after_help = ENVIRONMENT)]
    Prefetch(Box<SubmitArguments>),
    /// Purge, and when that is done prefetch
    #[command(before_help = REFRESH_EXAMPLES, after_help = ENVIRONMENT)]
    Refresh(Box<SubmitArguments>),
    /// Show one job: where it stands, its targets, its history
    #[command(before_help = JOB_EXAMPLES, after_help = JOB_SHAPE)]
    Job(JobArguments),
    /// Show what is left of each day quota
    #[command(before_help = quota::EXAMPLES, after_help = quota::SHAPE)]
    Quota(QuotaArguments),
    /// Show what waits in each lane and why; pause and resume one
    #[command(before_help = lanes::EXAMPLES, after_help = lanes::SHAPE)]
    Lanes(LanesArguments),
    /// Find jobs, newest first
    #[command(before_help = jobs::EXAMPLES, after_help = jobs::SHAPE)]
    Jobs(Box<JobsArguments>),
    /// Follow a job until its last target has ended and was looked at
    #[command(before_help = watch::EXAMPLES, after_help = ENVIRONMENT)]
    Watch(WatchArguments),
    /// End what has not been sent of a job
    #[command(before_help = cancel::EXAMPLES, after_help = cancel::CODES)]
    Cancel(CancelArguments),
    /// Make a new job of what failed or expired
    #[command(before_help = retry::EXAMPLES, after_help = ENVIRONMENT)]
    Retry(RetryArguments),
    /// Find out why a refresh failed or had no effect
    #[command(before_help = diagnose::EXAMPLES, after_help = diagnose::CODES)]
    Diagnose(DiagnoseArguments),
    /// Check or show the daemon's configuration
    #[command(before_help = CONFIG_EXAMPLES)]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make, list and revoke tokens, also beside a running daemon
    #[command(before_help = TOKEN_EXAMPLES)]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Look at accounts, domains, origins and certificates before a refresh does
    #[command(before_help = doctor::EXAMPLES, after_help = doctor::CODES)]
    Doctor(DoctorArguments),
    /// Run the daemon
    #[command(before_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
    /// Run the simulated cloud alone
    #[command(before_help = SANDBOX_EXAMPLES)]
    Sandbox(SandboxArguments),
    /// See it work: daemon, simulated cloud and a real refresh, on loopback
    #[command(before_help = DEMO_EXAMPLES)]
    Demo(DemoArguments),
}

const PURGE_EXAMPLES: &str = "\
Examples:
  refreshd purge https://www.example.com/app.js https://www.example.com/
  refreshd purge --dir https://www.example.com/img/ --wait
  refreshd purge -f changed.txt --wait --timeout 30m --label release=42
  git diff --name-only | sed 's|^|https://www.example.com/|' | refreshd purge -f -";

const PREFETCH_EXAMPLES: &str = "\
Examples:
  refreshd prefetch https://www.example.com/video.mp4 --wait
  refreshd prefetch -f tonight.txt --not-before 2026-11-22T20:00:00Z --priority bulk";

const REFRESH_EXAMPLES: &str = "\
Examples:
  refreshd refresh https://www.example.com/app.js --wait
  refreshd refresh -f changed.txt --priority urgent --wait --json";

/// The same for the three operations.
#[derive(Debug, Args)]
pub struct SubmitArguments {
    /// https://h/ is the home page, with --dir the whole site
    #[arg(value_name = "URL", required_unless_present = "file")]
    pub targets: Vec<String>,
    /// The URLs are directories: everything below them
    #[arg(long = "dir")]
    pub directories: bool,
    /// More URLs, one a line, # for remarks; - is stdin
    #[arg(short, long, value_name = "FILE|-")]
    pub file: Option<PathBuf>,
    /// Print what would become of the job; nothing is sent or kept
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Follow the job to its end and prove it at the edge
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, value_name = "SPAN", default_value = "10m", requires = "wait", value_parser = span)]
    pub timeout: Duration,
    /// Who leaves first
    #[arg(long, value_name = "P", value_parser = words(Priority::ALL.iter().map(|word| word.as_str())))]
    pub priority: Option<String>,
    /// Else the domain's own
    #[arg(long, value_name = "A", value_parser = areas())]
    pub area: Option<String>,
    /// With --dir; invalidate trusts Last-Modified
    #[arg(long, value_name = "M", requires = "directories", value_parser = words(Mode::ALL.iter().map(|word| word.as_str())))]
    pub mode: Option<String>,
    /// A label to find the job by; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Who asks, in your words
    #[arg(long, value_name = "S")]
    pub source: Option<String>,
    /// Do not look at the edge when the provider is done
    #[arg(long)]
    pub no_verify: bool,
    /// What has not left by then expires (RFC 3339)
    #[arg(long, value_name = "T")]
    pub deadline: Option<String>,
    /// Nothing leaves before (RFC 3339)
    #[arg(long, value_name = "T")]
    pub not_before: Option<String>,
    /// The same command with the same key is the same job
    #[arg(long, value_name = "K", value_parser = idempotency_key)]
    pub idempotency_key: Option<String>,
    /// Print the job as GET /v1/jobs/{id} answers it
    #[arg(long)]
    pub json: bool,
}

const JOB_SHAPE: &str = "\
With --json one line holds everything that is kept of the job, uncut:
  job     as GET /v1/jobs/{id} answers it
  items   as GET /v1/jobs/{id}/items does, all pages
  events  as GET /v1/jobs/{id}/events does, all pages, oldest first

Environment and exit codes: refreshd --help. Found is 0, whatever the job's
status.";

const JOB_EXAMPLES: &str = "\
Examples:
  refreshd job job_0192f3a000007000800000000000002a
  refreshd job job_0192f3a000007000800000000000002a --json | jq .job.status";

#[derive(Debug, Args)]
pub struct JobArguments {
    /// job_ and 32 hexadecimal digits
    pub id: JobId,
    /// Print {"job": …, "items": […], "events": […]}
    #[arg(long)]
    pub json: bool,
}

const CONFIG_EXAMPLES: &str = "\
Examples:
  refreshd config check --config /etc/refreshd/refreshd.toml
  refreshd config show";

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say ok, or name everything that is wrong (exit code 78)
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// Print {"ok": …, "warnings": […], "problems": [{"key", "detail"}]}
        #[arg(long)]
        json: bool,
    },
    /// Print what is in force as TOML, without secrets
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Print the same as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Read instead of /etc/refreshd/refreshd.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

const TOKEN_EXAMPLES: &str = "\
Examples:
  refreshd token create deploy --tenant shop > token
  refreshd token list
  refreshd token revoke 0123456789abcdef";

const SERVE_EXAMPLES: &str = "\
Examples:
  refreshd serve
  refreshd serve --config /etc/refreshd/refreshd.toml";

#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    pub file: ConfigFile,
}

const SANDBOX_EXAMPLES: &str = "\
Examples:
  refreshd sandbox --listen 127.0.0.1:0
  refreshd sandbox --listen 127.0.0.1:9000 --domains domains.toml";

#[derive(Debug, Args)]
pub struct SandboxArguments {
    /// Where the API listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR")]
    pub listen: SocketAddr,
    /// What calls are signed with; else a pair is made
    #[arg(long, value_name = "ID", requires = "secret_key")]
    pub secret_id: Option<String>,
    /// Better in the environment: others see arguments
    #[arg(
        long,
        value_name = "KEY",
        requires = "secret_id",
        env = "REFRESHD_SANDBOX_SECRET_KEY",
        hide_env_values = true
    )]
    pub secret_key: Option<SecretString>,
    /// Makes the pair a temporary one: its calls need this token
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "secret_id",
        env = "REFRESHD_SANDBOX_SESSION_TOKEN",
        hide_env_values = true
    )]
    pub session_token: Option<SecretString>,
    /// Which domains it owns; two examples if left out
    #[arg(long, value_name = "FILE")]
    pub domains: Option<PathBuf>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  refreshd demo
  refreshd demo --exit && echo it works here";

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Leave after the job, with 0 only if it was seen fresh
    #[arg(long)]
    pub exit: bool,
}

pub(super) fn words(all: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(all)
}

/// A domain's own area is what a job gets that names none.
fn areas() -> PossibleValuesParser {
    words(Area::ALL.iter().filter(|area| **area != Area::Own).map(|area| area.as_str()))
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| format!("expected {DURATION}"))
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE such as release=42".to_owned()),
    }
}

fn idempotency_key(text: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("expected 1 to 255 visible ASCII characters, no spaces".to_owned()) }
}
