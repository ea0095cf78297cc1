//! The list of commands. Each command's arguments are in its own file; its help opens with examples.

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
Environment of the commands that call a daemon:
  REFRESHD_URL         its address; http://127.0.0.1:8470 if unset
  REFRESHD_TOKEN       the token, or
  REFRESHD_TOKEN_FILE  the path of a file that holds only the token

Exit codes of these commands: 0 succeeded; 1 nothing succeeded; 2 wrong usage,
or the daemon rejected the request; 3 still open at the timeout; 4 token or
scope missing, or unknown id; 5 no answer; 6 partly succeeded; 7 succeeded, but
the edge still serves old content; 130 interrupted.";

/// Makes a CDN serve fresh content: durable, quota-aware purge and prefetch, with proof at the edge.
#[derive(Debug, Parser)]
#[command(name = "refreshd", version, before_help = EXAMPLES, after_help = ENVIRONMENT, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the CDN drop its copies of URLs or directories
    #[command(before_help = submit::PURGE_EXAMPLES, after_help = ENVIRONMENT)]
    Purge(Box<SubmitArguments>),
    /// Make the CDN load URLs before visitors request them
    #[command(before_help = submit::PREFETCH_EXAMPLES, after_help = ENVIRONMENT)]
    Prefetch(Box<SubmitArguments>),
    /// Purge, then prefetch
    #[command(before_help = submit::REFRESH_EXAMPLES, after_help = ENVIRONMENT)]
    Refresh(Box<SubmitArguments>),
    /// Show one job: its state, targets and history
    #[command(before_help = job::EXAMPLES, after_help = job::SHAPE)]
    Job(JobArguments),
    /// Show what is left of each day quota
    #[command(before_help = quota::EXAMPLES, after_help = quota::SHAPE)]
    Quota(QuotaArguments),
    /// Show what waits in each lane and why; pause or resume a lane
    #[command(before_help = lanes::EXAMPLES, after_help = lanes::SHAPE)]
    Lanes(LanesArguments),
    /// Search for jobs, newest first
    #[command(before_help = jobs::EXAMPLES, after_help = jobs::SHAPE)]
    Jobs(Box<JobsArguments>),
    /// Follow a job until it has ended and was verified
    #[command(before_help = watch::EXAMPLES, after_help = ENVIRONMENT)]
    Watch(WatchArguments),
    /// Cancel the items of a job that were not sent yet
    #[command(before_help = cancel::EXAMPLES, after_help = cancel::CODES)]
    Cancel(CancelArguments),
    /// Make a new job of a job's failed and expired items
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
    /// Create, list and revoke tokens; a daemon may be running
    #[command(before_help = token::EXAMPLES)]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Check accounts, domains, origins and certificates
    #[command(before_help = doctor::EXAMPLES, after_help = doctor::CODES)]
    Doctor(DoctorArguments),
    /// Run the daemon
    #[command(before_help = serve::EXAMPLES)]
    Serve(ServeArguments),
    /// Run the simulated cloud without a daemon
    #[command(before_help = sandbox::EXAMPLES)]
    Sandbox(SandboxArguments),
    /// Show a real refresh with a daemon and a simulated cloud, on loopback
    #[command(before_help = demo::EXAMPLES)]
    Demo(DemoArguments),
}
