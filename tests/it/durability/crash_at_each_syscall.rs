//! Law 1 at every step to the disk: the daemon dies at its n-th sync and at its n-th write, for each n, while jobs come
//! in one after another. Needs strace.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::support::acknowledged_jobs::Acknowledged;
use crate::support::crashing_daemon::{Victim, all_end, generous_sandbox, lost};
use crate::support::load_generator::post_one;
use crate::support::{http, slow};

/// Deaths at each kind of call. The first few fall into the start of the daemon, the rest into its work.
const DEATHS: u32 = 20;
const DEATHS_SLOW: u32 = 200;
/// Jobs after which the death must have come: each takes at least one sync.
const JOBS_MAX: u32 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn no_death_at_a_sync_or_a_write_loses_an_acknowledged_job() {
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (sandbox, key) = generous_sandbox(&shutdown).await;
    let victim = Victim::new(&sandbox, &key, folder.path(), folder.path());
    let http = http();
    let mut acknowledged = Vec::new();
    for call in ["fsync,fdatasync", "pwrite64"] {
        for step in 1..=if slow() { DEATHS_SLOW } else { DEATHS } {
            // A prime stride, so that the deaths spread over the writes of many commits.
            let nth = if call == "pwrite64" { step * 7 } else { step };
            acknowledged.extend(live_until(&victim, &http, call, nth, folder.path()).await);
            let mut daemon = victim.start();
            victim.ready(&http).await;
            let faults = lost(&http, &victim.base, &acknowledged).await;
            assert!(faults.is_empty(), "death at {call} {nth}:\n{}", faults.join("\n"));
            daemon.kill();
        }
    }
    let mut daemon = victim.start();
    victim.ready(&http).await;
    assert!(acknowledged.len() >= 40, "only {} jobs were acknowledged: no load, no proof", acknowledged.len());
    all_end(&http, &victim.base, &acknowledged).await;
    daemon.kill();
    shutdown.cancel();
}

/// Runs a daemon that dies at its `nth` such call, and posts until it is dead.
async fn live_until(victim: &Victim, http: &reqwest::Client, call: &str, nth: u32, folder: &Path) -> Vec<Acknowledged> {
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
    let log = folder.join("strace.log");
    let log = log.to_str().expect("a path in UTF-8");
    // Not with --seccomp-bpf: strace 6.1 then counts wrongly.
    let words = ["-f", "-qq", "-o", log, "-e", &trace, "-e", &inject];
    let mut traced = Traced(victim.start_under("strace", &words));
    let mut acknowledged = Vec::new();
    for job in 0..JOBS_MAX {
        if traced.is_dead() {
            return acknowledged;
        }
        let url = format!("https://www.example.com/{call}/{nth}/{job}");
        match post_one(http, &victim.base, vec![url]).await {
            Some(job) => acknowledged.push(job),
            // Not there yet, or not any more.
            None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the daemon did not come to its {call} number {nth}");
}

/// strace and the daemon under it. strace alone would leave the daemon behind.
struct Traced(Child);

impl Traced {
    fn is_dead(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if !self.is_dead() {
            let strace = self.0.id();
            let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children"));
            for child in children.unwrap_or_default().split_whitespace() {
                let _ = Command::new("kill").args(["-9", child]).status();
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
