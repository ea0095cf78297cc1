//! `refreshd sandbox`: the simulated cloud without a daemon, for trying refreshd out, staging and tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::cli::output::terminal;
use crate::cli::{exit, signals};
use crate::clock::SystemClock;
use crate::sandbox;
use crate::sandbox::domain_config::file;
use crate::sandbox::{Credential, Sandbox, SandboxOptions};
use crate::telemetry::{self, LogFormat};

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd sandbox --listen 127.0.0.1:0
  refreshd sandbox --listen 127.0.0.1:9000 --domains domains.toml";

#[derive(Debug, Args)]
pub struct SandboxArguments {
    /// Where the API listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Key id of calls; without it, a pair is generated
    #[arg(long, value_name = "ID", requires = "secret_key")]
    pub secret_id: Option<String>,
    /// Better set in the environment: others see arguments
    #[arg(
        long,
        value_name = "KEY",
        requires = "secret_id",
        env = "REFRESHD_SANDBOX_SECRET_KEY",
        hide_env_values = true
    )]
    pub secret_key: Option<SecretString>,
    /// Makes the key pair temporary: its calls need this token
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "secret_id",
        env = "REFRESHD_SANDBOX_SESSION_TOKEN",
        hide_env_values = true
    )]
    pub session_token: Option<SecretString>,
    /// The domains it serves; without it, two examples
    #[arg(long, value_name = "FILE")]
    pub domains: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &SandboxArguments) -> ExitCode {
    // Fails if a subscriber is installed already, which is as good.
    let _ = telemetry::init(LogFormat::of_stderr(), telemetry::FILTER_DEFAULT);
    let options = match options(arguments) {
        Ok(options) => options,
        Err(problem) => {
            terminal::note(&format!("refreshd sandbox does not start:\n{problem}"));
            return ExitCode::from(exit::BAD_CONFIGURATION);
        }
    };
    let generated = arguments.secret_id.is_none().then(|| options.credentials[0].clone());
    let shutdown = CancellationToken::new();
    let sandbox = match sandbox::start(options, shutdown.clone()).await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            terminal::note(&format!("refreshd sandbox cannot listen on {}: {error}", arguments.listen));
            return ExitCode::from(exit::BAD_CONFIGURATION);
        }
    };
    if let Err(error) = terminal::print_json(&announcement(&sandbox, generated.as_ref())) {
        terminal::note(&format!("refreshd sandbox cannot print its addresses: {error}"));
        return ExitCode::from(exit::OUTPUT_FAILED);
    }
    signals::stop_signal().await;
    shutdown.cancel();
    sandbox.ended().await;
    ExitCode::SUCCESS
}

/// One line for scripts: all addresses and, if it was generated, the key pair to sign with.
fn announcement(sandbox: &Sandbox, generated: Option<&Credential>) -> serde_json::Value {
    let at = sandbox.addresses;
    let mut line = json!({
        "api": at.api,
        "edge": at.edge,
        "edge_overseas": at.edge_overseas,
        "edge_tls": at.edge_tls,
        "origin": at.origin,
        "origin_tls": at.origin_tls,
        "dns": at.dns,
        "control": at.control,
    });
    if let Some(pair) = generated {
        line["secret_id"] = json!(pair.secret_id);
        line["secret_key"] = json!(pair.secret_key);
    }
    line
}

fn options(arguments: &SandboxArguments) -> Result<SandboxOptions, String> {
    let mut options =
        SandboxOptions { listen: arguments.listen, ..SandboxOptions::new(Arc::new(SystemClock::default())) };
    if let (Some(id), Some(key)) = (&arguments.secret_id, &arguments.secret_key) {
        let token = arguments.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        // An empty variable counts as unset.
        let token = token.filter(|token| !token.is_empty());
        options.credentials = vec![Credential { token, ..Credential::new(id.clone(), key.expose_secret()) }];
    }
    if let Some(file) = &arguments.domains {
        let domain_file = file::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        options.domains = domain_file.domains;
        options.quota = domain_file.quota;
    }
    Ok(options)
}
