//! The real binary finds its key pair where the provider's own tools keep it, and says so if it cannot.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::sandbox::{self, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{configuration, http, own_address};

/// A daemon whose configuration names no key, in a home folder of its own.
fn keyless(sandbox: &Sandbox, folder: &Path, listen: SocketAddr) -> Command {
    let key = sandbox::Credential::new("unused".to_owned(), "unused".to_owned());
    let text = configuration(sandbox, &key, folder, listen, "");
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with("secret_")).collect();
    let config = folder.join("refreshd.toml");
    std::fs::write(&config, text.join("\n")).expect("a configuration file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
    command.args(["serve", "--config"]).arg(&config).env("HOME", folder);
    for name in ["ID", "KEY"] {
        command.env_remove(format!("TENCENTCLOUD_SECRET_{name}"));
    }
    command
}

async fn purged(base: &str) -> Value {
    let body = json!({"operation": "purge", "urls": ["https://www.example.com/app.js"], "verify": false});
    for _ in 0..1_200 {
        let request = http().post(format!("{base}/v1/jobs")).header("prefer", "wait=25").json(&body);
        if let Ok(answer) = request.send().await {
            return answer.json().await.expect("a job");
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the daemon did not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_without_a_configured_key_works_with_the_sdks_file() {
    let (folder, shutdown) = (tempfile::tempdir().expect("a folder"), CancellationToken::new());
    let mut options = SandboxOptions::new(Arc::new(SystemClock::default()));
    options.task_time = Duration::from_millis(50);
    let key = options.credentials[0].clone();
    let sandbox = sandbox::start(options, shutdown.clone()).await.expect("a sandbox");
    let home = folder.path().join(".tencentcloud");
    std::fs::create_dir(&home).expect("a folder");
    let file = format!("[default]\nsecret_id = {}\nsecret_key = {}\n", key.secret_id, key.secret_key);
    std::fs::write(home.join("credentials"), file).expect("a file");
    let listen = own_address();
    let mut command = keyless(&sandbox, folder.path(), listen);
    let mut daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the daemon starts");
    let job = purged(&format!("http://{listen}")).await;
    daemon.kill().expect("a kill");
    daemon.wait().expect("an end");
    assert_eq!(job["status"], "succeeded", "{job}");
    shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_half_filled_ends_with_78_and_is_named() {
    let (folder, shutdown) = (tempfile::tempdir().expect("a folder"), CancellationToken::new());
    let sandbox = sandbox::start(SandboxOptions::new(Arc::new(SystemClock::default())), shutdown.clone())
        .await
        .expect("a sandbox");
    let mut command = keyless(&sandbox, folder.path(), own_address());
    command.env("TENCENTCLOUD_SECRET_KEY", "hush");
    let ended = tokio::task::block_in_place(|| command.output()).expect("the binary runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.contains("accounts.main: the environment: TENCENTCLOUD_SECRET_KEY is set"), "{said}");
    assert!(!said.contains("hush"), "{said}");
    shutdown.cancel();
}
