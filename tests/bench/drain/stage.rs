//! The real binary in a process of its own, in front of a sandbox in this one, whose log tells when calls arrived.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::{Clock, SystemClock};
use refreshd::domain::Timestamp;
use refreshd::sandbox::{self, RecordedCall, Sandbox, SandboxOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Calls of one action in a second: the sandbox's rate, and the provider's.
pub const RATE: u32 = 20;
/// What a daemon waits after its start before it trusts the rate, and a margin.
const REST: Duration = Duration::from_millis(1_500);
/// A run that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(5);

pub struct Stage {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    http: reqwest::Client,
    url: String,
    daemon: Child,
    shutdown: CancellationToken,
}

impl Stage {
    /// With a rested daemon and an unspent day: the next call may leave at once.
    pub async fn build(batch_urls: u64) -> Self {
        let mut options = SandboxOptions::new(Arc::new(SystemClock::default()));
        options.quota.urls = 10_000_000;
        options.quota.batch_urls = batch_urls;
        options.quota.calls_per_second = RATE;
        let key = options.credentials[0].clone();
        let shutdown = CancellationToken::new();
        let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
        // On the file system that the repository lies on.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the database");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let file = folder.path().join("refreshd.toml");
        let settings = format!(
            "server.listen = \"127.0.0.1:{port}\"\nstore.url = \"sqlite://{}\"\nauth.mode = \"open\"\n\
             routes = [{{ host = \"*\", account = \"main\" }}]\n[accounts.main]\nprovider = \"tencent-cdn\"\n\
             endpoint = \"http://{}\"\nsandbox = true\nsecret_id = \"{}\"\nsecret_key = \"{}\"\n",
            folder.path().join("refreshd.db").display(),
            sandbox.addresses.api,
            key.secret_id,
            key.secret_key
        );
        std::fs::write(&file, settings).expect("a configuration file");
        let daemon = Command::new(env!("CARGO_BIN_EXE_refreshd"))
            .args(["serve", "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let stage = Self { sandbox, folder, http, url: format!("http://127.0.0.1:{port}"), daemon, shutdown };
        stage.ready().await;
        // The first job lets the daemon ask for the quota and open its connections, as any but a day's first would find it.
        stage.post(&["https://www.example.com/first".to_owned()]).await;
        stage.submitted(0, 1).await;
        tokio::time::sleep(REST).await;
        stage
    }

    async fn ready(&self) {
        let ready = async {
            while !self.http.get(format!("{}/readyz", self.url)).send().await.is_ok_and(|it| it.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("the daemon becomes ready");
    }

    /// Posts a purge; the moment of its 202.
    pub async fn post(&self, urls: &[String]) -> Timestamp {
        let body = serde_json::json!({"operation": "purge", "urls": urls, "verify": false});
        let request = self.http.post(format!("{}/v1/jobs", self.url)).json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        let kept = SystemClock::default().now();
        let _: Value = answer.json().await.expect("a job");
        kept
    }

    /// The number of the last call that was seen.
    pub fn seen(&self) -> u64 {
        self.sandbox.cloud().calls().last().map_or(0, |call| call.seq)
    }

    /// The submissions after a call, once they have carried so many targets.
    pub async fn submitted(&self, after: u64, targets: u64) -> Vec<RecordedCall> {
        let arrived = async {
            loop {
                let calls = self.sandbox.cloud().calls_after(after);
                let calls: Vec<RecordedCall> =
                    calls.into_iter().filter(|call| call.action == "PurgeUrlsCache").collect();
                if calls.iter().filter(|call| call.code.is_none()).map(|call| call.items).sum::<u64>() >= targets {
                    return calls;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.expect("the calls arrive")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It keeps nothing that anybody wants.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        self.shutdown.cancel();
    }
}
