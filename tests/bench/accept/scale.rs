//! What the engine asks of the store again and again, at ten thousand pending items and at millions: it must not grow.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::{Clock, Stopwatch, SystemClock};
use refreshd::domain::{
    AccountName, Area, ErrorClass, Failure, ItemOperation, Labels, Lane, LaneId, Operation, Priority, SubmissionState,
    Target, TargetKind, TenantName,
};
use refreshd::random::Random;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{CallSequence, Grant, JobPart, NewJob, OnlineHosts, PartState, Release, ReleaseAction, Store};
use tokio::task::JoinSet;

use crate::{Plan, child, folder, median, runtime};

/// Targets of each job, and of each claim.
const JOB_TARGETS: u32 = 100;
const CLAIM_TARGETS: u32 = 1_000;
/// How many jobs are given to the store at once.
const JOBS_AT_ONCE: usize = 256;

pub fn run(plan: Plan) {
    println!("\nScale: jobs of {JOB_TARGETS} URLs. Medians of {} looks at each size, in milliseconds.", plan.claims);
    println!(
        "{:>10} {:>12} {:>12} {:>10} {:>16} {:>8}",
        "pending", "claim 1,000", "lane_depths", "next_ripe", "due_submissions", "file MB"
    );
    let folder = folder();
    let mut claims = Vec::new();
    for size in plan.sizes {
        let database = folder.path().join(format!("{size}.db"));
        claims.push(runtime().block_on(look(&database, *size, plan)));
    }
    if let (Some(first), Some(last)) = (claims.first(), claims.last()) {
        println!("claim at the largest size / at the smallest: {:.2} (goal at most 1.5)", last / first);
    }
    for size in plan.sizes {
        let database = folder.path().join(format!("{size}.db"));
        print!("a fresh process at {size} pending: {}", child::first_claim(&database));
    }
}

/// Prints one line; returns the median claim.
async fn look(database: &Path, size: u32, plan: Plan) -> f64 {
    let store = Arc::new(SqliteStore::open(database).await.expect("a database"));
    fill(&store, size).await;
    let lane = store.lane_depths().await.expect("depths")[0].id;
    let mut claims = Vec::new();
    for _ in 0..plan.claims {
        let (millis, claim) = timed(store.claim(grant(lane), SystemClock::default().now())).await;
        let claim = claim.expect("a claim").expect("something to claim");
        assert_eq!(claim.targets.len() as u32, CLAIM_TARGETS);
        claims.push(millis);
        let failure = Failure::new(ErrorClass::Throttle, "bench", "given back by the benchmark");
        let back = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
        store.release(claim.submission, back, SystemClock::default().now()).await.expect("a return");
    }
    let (mut depths, mut ripe, mut due) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.claims {
        depths.push(timed(store.lane_depths()).await.0);
        ripe.push(timed(store.next_timer()).await.0);
        due.push(timed(store.due_submissions(false, 100, SystemClock::default().now())).await.0);
    }
    let megabytes = std::fs::metadata(database).map_or(0, |file| file.len()) / 1_000_000;
    let [claim, depths, ripe, due] = [claims, depths, ripe, due].map(median);
    println!("{size:>10} {claim:>12.2} {depths:>12.3} {ripe:>10.3} {due:>16.3} {megabytes:>8}");
    store.drain(Duration::from_secs(60)).await;
    claim
}

async fn timed<T>(asked: impl Future<Output = T>) -> (f64, T) {
    let watch = Stopwatch::start();
    let answer = asked.await;
    (watch.elapsed().as_secs_f64() * 1e3, answer)
}

fn grant(lane: LaneId) -> Grant {
    Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max: CLAIM_TARGETS,
        non_urgent_max: u32::MAX,
        bytes_max: usize::MAX,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: Vec::new(),
        shares: Vec::new(),
    }
}

async fn fill(store: &Arc<SqliteStore>, size: u32) {
    let mut first = 0;
    while first < size {
        let jobs = (0..JOBS_AT_ONCE as u32).map(|n| first + n * JOB_TARGETS).take_while(|first| *first < size);
        let mut keeping = JoinSet::new();
        for first in jobs {
            let store = store.clone();
            keeping.spawn(async move { store.create_job(job(first), SystemClock::default().now()).await });
        }
        for kept in keeping.join_all().await {
            kept.expect("a job that is kept");
        }
        first += JOBS_AT_ONCE as u32 * JOB_TARGETS;
    }
}

fn job(first: u32) -> NewJob {
    let target = |n| Target::parse(TargetKind::Url, &format!("https://www.example.com/assets/{n:08}/app.3f9a.js"));
    let lane = Lane {
        account: AccountName::new("main"),
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        area: Area::Own,
        mode: None,
    };
    let targets = (first..first + JOB_TARGETS).map(|n| target(n).expect("a target")).collect();
    NewJob {
        id: Random::default().job_id(SystemClock::default().now()),
        tenant: TenantName::new("local"),
        weight: 1,
        operation: Operation::Purge,
        priority: Priority::Normal,
        area: Area::Own,
        source: None,
        labels: Labels::new(),
        notify: None,
        not_before: None,
        deadline: None,
        merged: 0,
        verify: true,
        parts: vec![JobPart { lane, state: PartState::Due, targets }],
        pair_offset: 0,
        idempotency: None,
        retry_of: None,
        warnings: Vec::new(),
    }
}

/// In a child: how long it takes until the first batch could leave, and the memory it took.
pub async fn claim_first(database: &Path) {
    let opening = Stopwatch::start();
    let store = SqliteStore::open(database).await.expect("a database");
    let opened = opening.elapsed();
    let lane = store.lane_depths().await.expect("depths")[0].id;
    let claim = store.claim(grant(lane), SystemClock::default().now()).await.expect("a claim");
    let all = opening.elapsed();
    assert!(claim.is_some(), "nothing to claim");
    println!("open {opened:.1?}, open and first claim {all:.1?}, {}", memory());
}

/// Resident memory of this process, now and at its highest.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<f64>().ok());
        kilobytes.unwrap_or(f64::NAN) / 1024.0
    };
    format!("resident {:.1} MiB, at most {:.1} MiB", megabytes("VmRSS"), megabytes("VmHWM"))
}
