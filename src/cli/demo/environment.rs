//! Starts and stops the demo's sandbox and daemon, in a temporary folder.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::daemon::{Daemon, StartError, provider_limits};
use crate::sandbox::{self, Addresses, Sandbox, SandboxOptions};

/// The port that client commands use without REFRESHD_URL, so that they reach the demo.
const DEFAULT_PORT: u16 = 8470;

pub(super) struct Environment {
    pub(super) daemon_address: SocketAddr,
    pub(super) addresses: Addresses,
    daemon: Daemon,
    sandbox: Sandbox,
    sandbox_shutdown: CancellationToken,
    /// Removed with everything in it when the demo ends.
    _folder: TempDir,
}

impl Environment {
    pub(super) async fn build() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder can be created")?;
        let options = SandboxOptions::new(Arc::new(SystemClock::default()));
        let key = options.credentials[0].clone();
        let sandbox_shutdown = CancellationToken::new();
        let sandbox = sandbox::start(options, sandbox_shutdown.clone()).await.context("the sandbox cannot listen")?;
        let addresses = sandbox.addresses;
        // Another program, or another demo, may use the default port.
        let daemon = match start_daemon(&folder, addresses, &key, DEFAULT_PORT).await {
            Err(StartError::Busy(_)) => start_daemon(&folder, addresses, &key, 0).await,
            result => result,
        }?;
        Ok(Self { daemon_address: daemon.address, addresses, daemon, sandbox, sandbox_shutdown, _folder: folder })
    }

    /// Stops the daemon as SIGTERM would, then the cloud.
    pub(super) async fn stop(self) {
        self.daemon.stop().await;
        self.sandbox_shutdown.cancel();
        self.sandbox.ended().await;
    }
}

async fn start_daemon(
    folder: &TempDir,
    addresses: Addresses,
    key: &sandbox::Credential,
    port: u16,
) -> Result<Daemon, StartError> {
    let file = folder.path().join("refreshd.toml");
    std::fs::write(&file, configuration(folder.path(), addresses, key, port))
        .map_err(|error| StartError::Setting(format!("the configuration cannot be written ({error})")))?;
    let config = Config::load(Some(&file), std::iter::empty(), provider_limits)?;
    Daemon::start(&config, Arc::new(SystemClock::default())).await
}

fn configuration(folder: &std::path::Path, addresses: Addresses, key: &sandbox::Credential, port: u16) -> String {
    format!(
        r#"# A refreshd that talks to a simulated cloud on loopback, as `refreshd demo` writes it.
server.listen = "127.0.0.1:{port}"
store.url = "sqlite://{database}"
auth.mode = "open"
routes = [{{ host = "*.example.com", account = "demo" }}]
# The simulated cloud is faster than a real one.
engine.poll_first = "250ms"
engine.poll_max = "2s"
verify.deadline = "30s"
# The edge and the origin are on loopback, which probes do not dial unless allowed.
probe.allow = ["127.0.0.0/8"]
# The sandbox's DNS server: no query leaves this machine, and the answers are those that the cloud would give.
probe.resolver = ["{dns}"]

[accounts.demo]
provider = "tencent-cdn"
endpoint = "http://{api}"
sandbox = true
secret_id = "{id}"
secret_key = "{secret}"

[probe.edges]
"www.example.com" = "{edge}"
"static.example.com" = "{edge}"

[probe.origins]
"www.example.com" = "{origin}"
"static.example.com" = "{origin}"
"#,
        database = folder.join("refreshd.db").display(),
        api = addresses.api,
        dns = addresses.dns,
        edge = addresses.edge,
        origin = addresses.origin,
        id = key.secret_id,
        secret = key.secret_key,
    )
}
