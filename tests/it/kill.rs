//! Law 1 with the real binary: whatever was acknowledged survives `kill -9` at any moment, and ends.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::sandbox::{self, Options, Sandbox};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{configuration, http, slow};

const KILLS: u32 = 20;
const KILLS_SLOW: u32 = 200;
const POSTERS: u32 = 6;

/// A job that the daemon said it keeps.
#[derive(Debug, Clone)]
struct Acknowledged {
    id: String,
    urls: usize,
}

/// The real binary on a fixed port, so that posters find it again after each start.
struct Victim {
    config: std::path::PathBuf,
    base: String,
}

impl Victim {
    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_refreshd"))
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("REFRESHD_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .expect("the daemon starts")
    }

    async fn ready(&self, http: &reqwest::Client) {
        for _ in 0..400 {
            if let Ok(answer) = http.get(format!("{}/readyz", self.base)).send().await
                && answer.status().is_success()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the daemon did not become ready");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kill_loses_an_acknowledged_job() {
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = generous_sandbox(&shutdown).await;
    let key = sandbox.1;
    let sandbox = sandbox.0;
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let config = folder.path().join("refreshd.toml");
    let text = configuration(&sandbox, &key, folder.path(), port, "engine.listing_grace = \"1s\"");
    std::fs::write(&config, text).expect("a configuration file");
    let victim = Victim { config, base: format!("http://127.0.0.1:{port}") };
    let http = http();
    let acknowledged: Arc<Mutex<Vec<Acknowledged>>> = Arc::default();
    let posting = CancellationToken::new();
    let posters: Vec<_> = (0..POSTERS)
        .map(|poster| {
            tokio::spawn(post(poster, victim.base.clone(), http.clone(), acknowledged.clone(), posting.clone()))
        })
        .collect();

    for round in 0..if slow() { KILLS_SLOW } else { KILLS } {
        let mut daemon = victim.start();
        victim.ready(&http).await;
        // Spread over the whole walk: the first call leaves a second after the start.
        let life = Duration::from_millis(u64::from(round) * 370 % 1900 + 60);
        tokio::time::sleep(life).await;
        daemon.kill().expect("a kill");
        daemon.wait().expect("an end");
    }
    posting.cancel();
    for poster in posters {
        poster.await.expect("a poster");
    }

    let mut daemon = victim.start();
    victim.ready(&http).await;
    let acknowledged = acknowledged.lock().expect("the list").clone();
    assert!(acknowledged.len() >= 20, "only {} jobs were acknowledged: no load, no proof", acknowledged.len());
    for job in &acknowledged {
        ended(&http, &victim.base, job).await;
    }
    no_target_was_sent_twice(&sandbox).await;
    daemon.kill().expect("a kill");
    daemon.wait().expect("an end");
    shutdown.cancel();
}

async fn generous_sandbox(shutdown: &CancellationToken) -> (Sandbox, sandbox::Credential) {
    let mut options = Options::new(Arc::new(SystemClock));
    options.task_time = Duration::from_millis(300);
    options.quota.urls = 10_000_000;
    let key = options.credentials[0].clone();
    (sandbox::start(options, shutdown.clone()).await.expect("a sandbox"), key)
}

/// Posts small and larger jobs, each of its own URLs, until told to stop; a lost connection is no acknowledgement.
async fn post(
    poster: u32,
    base: String,
    http: reqwest::Client,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    stop: CancellationToken,
) {
    let number = AtomicU32::new(0);
    while !stop.is_cancelled() {
        let job = number.fetch_add(1, Ordering::Relaxed);
        let count = if job.is_multiple_of(5) { 40 } else { 1 };
        let urls: Vec<String> = (0..count).map(|n| format!("https://www.example.com/{poster}/{job}/{n}")).collect();
        let body = json!({"operation": "purge", "urls": urls, "verify": false});
        match http.post(format!("{base}/v1/jobs")).json(&body).send().await {
            Ok(answer) if answer.status() == 202 => {
                // The status line alone is the promise; the id is needed to check it.
                if let Ok(job) = answer.json::<Value>().await {
                    let id = job["id"].as_str().expect("an id").to_owned();
                    acknowledged.lock().expect("the list").push(Acknowledged { id, urls: urls.len() });
                }
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn ended(http: &reqwest::Client, base: &str, job: &Acknowledged) {
    for _ in 0..1200 {
        let answer = http.get(format!("{base}/v1/jobs/{}", job.id)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged job is lost: {}", job.id);
        let seen: Value = answer.json().await.expect("a job");
        assert_eq!(seen["counts"]["total"], job.urls, "a target is lost: {seen}");
        if !seen["finished_at"].is_null() {
            assert_eq!(seen["counts"]["succeeded"], job.urls, "{seen}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} did not end", job.id);
}

/// Law 4: each target was asked for once, so the cloud has it in one task.
async fn no_target_was_sent_twice(sandbox: &Sandbox) {
    let mut seen = std::collections::HashMap::new();
    for task in sandbox.cloud().tasks().await {
        for (target, _) in task.targets {
            if let Some(before) = seen.insert(target.clone(), task.id.clone()) {
                panic!("{target} is in tasks {before} and {}", task.id);
            }
        }
    }
}
