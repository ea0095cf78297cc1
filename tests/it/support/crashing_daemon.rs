//! The real binary, made to die again and again, and the list of what it promised: each job that it acknowledged must be
//! there afterwards, whole.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::SystemClock;
use refreshd::random::Random;
use refreshd::sandbox::{self, Credential, Sandbox, SandboxOptions};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::acknowledged_jobs::Acknowledged;
use super::{configuration, own_address};

/// A quick cloud lists a task within moments.
const SETTINGS: &str = "engine.listing_grace = \"1s\"";

/// The real binary on a fixed port, so that posters find it again after each start.
pub(crate) struct Victim {
    config: PathBuf,
    pub(crate) base: String,
}

impl Victim {
    /// Its configuration lies in `folder`, its database in `data`.
    pub(crate) fn new(sandbox: &Sandbox, key: &Credential, folder: &Path, data: &Path) -> Self {
        let listen = own_address();
        let config = folder.join("refreshd.toml");
        let text = configuration(sandbox, key, data, listen, SETTINGS);
        std::fs::write(&config, text).expect("a configuration file");
        Self { config, base: format!("http://{listen}") }
    }

    /// With a configuration of its own, on an address of loopback that no other `number` has: many at once do not meet.
    pub(crate) fn of(folder: &Path, number: usize, configuration: impl FnOnce(&str) -> String) -> Self {
        let place = format!("127.1.{}.{}:0", number / 250, number % 250 + 1);
        let listen = TcpListener::bind(place).expect("a port").local_addr().expect("an address").to_string();
        let config = folder.join("refreshd.toml");
        std::fs::write(&config, configuration(&listen)).expect("a configuration file");
        Self { config, base: format!("http://{listen}") }
    }

    pub(crate) fn start(&self) -> Daemon {
        Daemon(self.quiet(&mut Command::new(env!("CARGO_BIN_EXE_refreshd"))).spawn().expect("the daemon starts"))
    }

    /// With settings of the environment over those of its file.
    pub(crate) fn start_with(&self, settings: &[(&str, &str)]) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_refreshd"));
        Daemon(self.quiet(command.envs(settings.iter().copied())).spawn().expect("the daemon starts"))
    }

    /// The same under `tool`, which runs what its words end with.
    pub(crate) fn start_under(&self, tool: &str, words: &[&str]) -> Child {
        let mut command = Command::new(tool);
        command.args(words).arg(env!("CARGO_BIN_EXE_refreshd"));
        self.quiet(&mut command).spawn().unwrap_or_else(|error| panic!("{tool} is needed: {error}"))
    }

    fn quiet<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let err = if std::env::var_os("REFRESHD_LOG").is_some() { Stdio::inherit() } else { Stdio::null() };
        command.args(["serve", "--config"]).arg(&self.config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(err)
    }

    pub(crate) async fn ready(&self, http: &reqwest::Client) {
        for _ in 0..1200 {
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

/// A process that does not outlive the test.
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("a kill");
        self.0.wait().expect("an end");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A cloud whose day quotas do not matter, with quick tasks.
pub(crate) async fn generous_sandbox(shutdown: &CancellationToken) -> (Sandbox, Credential) {
    let mut options = SandboxOptions::new(Arc::new(SystemClock::default()));
    options.task_time = Duration::from_millis(300);
    let quota = &mut options.quota;
    (quota.urls, quota.directories, quota.prefetches) = (10_000_000, 10_000_000, 10_000_000);
    let key = options.credentials[0].clone();
    (sandbox::start(options, shutdown.clone()).await.expect("a sandbox"), key)
}

/// What was promised and is not there: a line for each job that is lost, whole or in part.
pub(crate) async fn lost(http: &reqwest::Client, base: &str, acknowledged: &[Acknowledged]) -> Vec<String> {
    let mut faults = Vec::new();
    for job in acknowledged {
        let answer = http.get(format!("{base}/v1/jobs/{}", job.id)).send().await.expect("an answer");
        let status = answer.status();
        let seen: Value = answer.json().await.unwrap_or_default();
        if status != 200 {
            faults.push(format!("an acknowledged job is lost: {} ({status})", job.id));
        } else if seen["counts"]["total"] != job.items {
            faults.push(format!("a target is lost: {} of {}: {seen}", job.items, job.id));
        }
    }
    faults
}

/// Each acknowledged job is there and ends with all its targets done.
pub(crate) async fn all_end(http: &reqwest::Client, base: &str, acknowledged: &[Acknowledged]) {
    let faults = lost(http, base, acknowledged).await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    for job in acknowledged {
        ended(http, base, job).await;
    }
}

async fn ended(http: &reqwest::Client, base: &str, job: &Acknowledged) {
    for _ in 0..1200 {
        let answer = http.get(format!("{base}/v1/jobs/{}", job.id)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "an acknowledged job is lost: {}", job.id);
        let seen: Value = answer.json().await.expect("a job");
        assert_eq!(seen["counts"]["total"], job.items, "a target is lost: {seen}");
        if !seen["finished_at"].is_null() && seen["verification"] != "pending" {
            assert_eq!(seen["counts"]["succeeded"], job.items, "{seen}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} did not end", job.id);
}

/// Law 3 at the cloud's own door: across all restarts it refused no call for a limit.
pub(crate) fn no_limit_was_broken(sandbox: &Sandbox) {
    let broken = |code: &String| code.starts_with("RequestLimitExceeded") || code.starts_with("LimitExceeded");
    let refused: Vec<_> =
        sandbox.cloud().calls().into_iter().filter(|call| call.code.as_ref().is_some_and(broken)).collect();
    assert!(refused.is_empty(), "{} calls were refused for a limit: {:?}", refused.len(), refused.first());
}

/// Law 4: each target was asked for once, so the cloud has it in one task.
pub(crate) async fn no_target_was_sent_twice(sandbox: &Sandbox) {
    let mut seen = std::collections::HashMap::new();
    for task in sandbox.cloud().tasks().await {
        for (target, _) in task.targets {
            if let Some(before) = seen.insert((task.kind, target.clone()), task.id.clone()) {
                panic!("{target} is in tasks {before} and {}", task.id);
            }
        }
    }
}

/// Chance that can be had again: `SEED=n` replays the run that printed it.
pub(crate) struct Chance(u64);

impl Chance {
    #[expect(clippy::print_stderr, reason = "a failure must name its seed")]
    pub(crate) fn from_seed() -> Self {
        let seed = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
        let seed = seed.unwrap_or((Random::default().jitter() * 1e9) as u64);
        eprintln!("SEED={seed}");
        Self(seed)
    }

    /// A length of time between the two, in milliseconds.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.next() % (to - from))
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
