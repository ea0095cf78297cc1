//! A whole world on loopback: a sandbox, and the daemon on a real database file and a real socket in front of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::config::Config;
use refreshd::daemon::{Daemon, provider_limits};
use refreshd::diagnose::Diagnose;
use refreshd::sandbox::{self, OriginContent, Sandbox};
use refreshd::telemetry;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub struct World {
    pub sandbox: Sandbox,
    pub daemon: Option<Daemon>,
    /// Instead of the daemon's own.
    diagnoser: Option<Arc<dyn Diagnose>>,
    http: reqwest::Client,
    config: Config,
    folder: TempDir,
    shutdown: CancellationToken,
}

/// An answer of the daemon, read whole.
pub struct Answered {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl World {
    /// With the sandbox's real limits, and tasks that take 50 ms.
    pub async fn start() -> Self {
        Self::with(|_| (), "").await
    }

    /// With a changed sandbox, and further lines of configuration.
    pub async fn with(change: impl FnOnce(&mut sandbox::SandboxOptions), settings: &str) -> Self {
        Self::build(change, settings, |text, _| text).await
    }

    /// With another endpoint than the sandbox's API.
    pub async fn with_endpoint(endpoint: &str) -> Self {
        let elsewhere =
            |text: String, sandbox: &Sandbox| text.replace(&format!("http://{}", sandbox.addresses.api), endpoint);
        Self::build(|_| (), "", elsewhere).await
    }

    /// With a daemon that asks for tokens.
    pub async fn with_tokens() -> Self {
        Self::with_tokens_and(|_| ()).await
    }

    /// With a daemon that asks for tokens, and a changed sandbox.
    pub async fn with_tokens_and(change: impl FnOnce(&mut sandbox::SandboxOptions)) -> Self {
        Self::build(change, "", |text, _| text.replace("auth.mode = \"open\"", "auth.mode = \"tokens\"")).await
    }

    async fn build(
        change: impl FnOnce(&mut sandbox::SandboxOptions),
        settings: &str,
        adjust: impl FnOnce(String, &Sandbox) -> String,
    ) -> Self {
        // Quiet unless REFRESHD_LOG is set.
        if std::env::var_os(telemetry::FILTER_VARIABLE).is_some() {
            let _ = telemetry::init(telemetry::LogFormat::Text, telemetry::FILTER_DEFAULT);
        }
        let mut options = sandbox::SandboxOptions::new(Arc::new(SystemClock::default()));
        options.task_time = Duration::from_millis(50);
        // The daemon keeps the key pair that the sandbox began with, whatever the change does to the sandbox's.
        let key = options.credentials[0].clone();
        change(&mut options);
        let shutdown = CancellationToken::new();
        let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("refreshd.toml");
        let text = adjust(
            configuration(&sandbox, &key, folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)), settings),
            &sandbox,
        );
        std::fs::write(&file, text).expect("a configuration file");
        let config = Config::load(Some(&file), std::iter::empty(), provider_limits).expect("a good configuration");
        let http = super::http();
        let mut world = Self { sandbox, daemon: None, diagnoser: None, http, config, folder, shutdown };
        world.start_daemon().await;
        world
    }

    pub async fn start_daemon(&mut self) {
        let clock = Arc::new(SystemClock::default());
        let daemon = match &self.diagnoser {
            Some(diagnoser) => Daemon::start_with(&self.config, clock, diagnoser.clone()).await,
            None => Daemon::start(&self.config, clock).await,
        };
        self.daemon = Some(daemon.expect("a daemon"));
    }

    /// From now on with this diagnoser.
    pub async fn diagnosed_by(mut self, diagnoser: Arc<dyn Diagnose>) -> Self {
        self.stop_daemon().await;
        self.diagnoser = Some(diagnoser);
        self.start_daemon().await;
        self
    }

    pub async fn stop_daemon(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop().await;
        }
    }

    /// What the next daemon reads instead of the configuration so far.
    pub fn reconfigure(&mut self, change: impl FnOnce(String) -> String) {
        let file = self.config_file();
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, change(text)).expect("a configuration file");
        self.config = Config::load(Some(&file), std::iter::empty(), provider_limits).expect("a good configuration");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.daemon.as_ref().expect("a running daemon").address)
    }

    pub async fn post(&self, body: &Value) -> Answered {
        self.send(self.http.post(self.url("/v1/jobs")).json(body)).await
    }

    pub async fn get(&self, path: &str) -> Answered {
        self.send(self.http.get(self.url(path))).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answered {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answered { status, headers, body: response.json().await.unwrap_or(Value::Null) }
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The job, once its status is final and its verification is not pending any more.
    pub async fn proved(&self, id: &str) -> Value {
        self.until(id, |job| !job["finished_at"].is_null() && job["verification"] != "pending").await
    }

    /// The job, once it is so.
    pub async fn until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let job = self.get(&format!("/v1/jobs/{id}")).await.body;
            if is_so(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the job did not get there: {}", self.get(&format!("/v1/jobs/{id}")).await.body);
    }

    pub fn origin(&self, path: &str, body: &str) {
        let content = OriginContent::new("www.example.com", path, body);
        self.sandbox.cloud().put_origin(content).expect("origin content");
    }

    /// What a visitor gets from the edge.
    pub async fn visit(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.sandbox.addresses.edge);
        let response = self.http.get(url).header("Host", "www.example.com").send().await.expect("an answer");
        response.text().await.expect("a body")
    }

    /// The calls of one action that the cloud saw, with their error codes.
    pub fn calls(&self, action: &str) -> Vec<Option<String>> {
        let calls = self.sandbox.cloud().calls();
        calls.into_iter().filter(|call| call.action == action).map(|call| call.code).collect()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("refreshd.toml")
    }

    pub async fn end(mut self) {
        self.stop_daemon().await;
        self.shutdown.cancel();
    }
}

/// A daemon's configuration in front of a sandbox; patient only for milliseconds, because the sandbox is quick.
pub fn configuration(
    sandbox: &Sandbox,
    key: &sandbox::Credential,
    folder: &Path,
    listen: SocketAddr,
    settings: &str,
) -> String {
    let database = folder.join("refreshd.db");
    let (edge, origin) = (sandbox.addresses.edge, sandbox.addresses.origin);
    format!(
        r#"
server.listen = "{listen}"
store.url = "sqlite://{database}"
auth.mode = "open"
routes = [{{ host = "*", account = "main" }}]
engine.poll_first = "50ms"
engine.poll_max = "500ms"
probe.allow = ["127.0.0.0/8"]
{settings}
[accounts.main]
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
        database = database.display(),
        api = sandbox.addresses.api,
        id = key.secret_id,
        secret = key.secret_key,
    )
}
