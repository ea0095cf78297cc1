//! The command line: its commands, each of which owns its arguments. Help opens with examples.

use clap::{Parser, Subcommand};

use super::commands::cancel::{self, CancelArguments};
use super::commands::config::{self, ConfigCommand};
use super::commands::diagnose::{self, DiagnoseArguments};
use super::commands::doctor::{self, DoctorArguments};
use super::commands::job::{self, JobArguments};
use super::commands::jobs::{self, JobsArguments};
use super::commands::lanes::{self, LanesArguments};
use super::commands::quota::{self, QuotaArguments};
use super::commands::retry::{self, RetryArguments};
use super::commands::sandbox::{self, SandboxArguments};
use super::commands::serve::{self, ServeArguments};
use super::commands::submit::{self, SubmitArguments};
use super::commands::token::{self, TokenCommand};
use super::commands::watch::{self, WatchArguments};
use super::demo::{self, DemoArguments};

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
    #[command(before_help = submit::PURGE_EXAMPLES, after_help = ENVIRONMENT)]
    Purge(Box<SubmitArguments>),
    /// Make the CDN load URLs before somebody asks for them
    #[command(before_help = submit::PREFETCH_EXAMPLES, after_help = ENVIRONMENT)]
    Prefetch(Box<SubmitArguments>),
    /// Purge, and when that is done prefetch
    #[command(before_help = submit::REFRESH_EXAMPLES, after_help = ENVIRONMENT)]
    Refresh(Box<SubmitArguments>),
    /// Show one job: where it stands, its targets, its history
    #[command(before_help = job::EXAMPLES, after_help = job::SHAPE)]
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
    #[command(before_help = config::EXAMPLES)]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make, list and revoke tokens, also beside a running daemon
    #[command(before_help = token::EXAMPLES)]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Look at accounts, domains, origins and certificates before a refresh does
    #[command(before_help = doctor::EXAMPLES, after_help = doctor::CODES)]
    Doctor(DoctorArguments),
    /// Run the daemon
    #[command(before_help = serve::EXAMPLES)]
    Serve(ServeArguments),
    /// Run the simulated cloud alone
    #[command(before_help = sandbox::EXAMPLES)]
    Sandbox(SandboxArguments),
    /// See it work: daemon, simulated cloud and a real refresh, on loopback
    #[command(before_help = demo::EXAMPLES)]
    Demo(DemoArguments),
}
