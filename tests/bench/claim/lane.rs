//! A lane with everything that a claim has to get past: eight tenants of several weights, three priorities, targets that
//! several jobs want, and a host that the provider refused, whose pile stands in front.

use std::sync::Arc;
use std::time::Duration;

use refreshd::clock::{Clock, Stopwatch, SystemClock};
use refreshd::domain::{
    AccountName, Area, ErrorClass, Failure, ItemOperation, Labels, Lane, LaneId, Operation, Priority, SubmissionId,
    Target, TargetKind, TenantName,
};
use refreshd::random::Random;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{CallSequence, Claim, Grant, JobPart, NewJob, OnlineHosts, PartState, Store, SuspendedHost};
use tokio::task::JoinSet;

/// Targets of each claim, and of each job.
pub const CLAIM_TARGETS: u32 = 1_000;
const JOB_TARGETS: u32 = 100;
/// New targets of the parked host before each claim.
pub const FRESH: u32 = 20;
/// How many jobs are given to the store at once.
const JOBS_AT_ONCE: u32 = 256;
/// Of so many items one is the parked host's.
const PARKED_SHARE: u32 = 50;
/// Of so many jobs one asks for the same targets as another.
const TWIN_EVERY: u32 = 10;
const TENANTS: u32 = 8;
const HOST: &str = "www.example.com";
const PARKED: &str = "parked.example.com";

pub struct Mixed {
    pub store: Arc<SqliteStore>,
    lane: LaneId,
    parked: u32,
}

impl Mixed {
    pub async fn fill(store: SqliteStore, size: u32) -> Self {
        let store = Arc::new(store);
        // The pile comes first, so that it stands before everyone else.
        let pile = size / PARKED_SHARE;
        let jobs = |count: u32| count.div_ceil(JOB_TARGETS);
        keep(&store, jobs(pile), |n| job(PARKED, n * JOB_TARGETS, (TENANTS, 1), Priority::Normal)).await;
        keep(&store, jobs(size - pile), |n| {
            // A twin is bulk, and asks for what another tenant's normal job before it asked for.
            let first = if n % TWIN_EVERY == TWIN_EVERY - 1 { n - 2 } else { n };
            let priority = match n % 100 {
                // Urgent work is rare, and there is always some.
                0 if n < 200 => Priority::Urgent,
                n if n % 5 < 3 => Priority::Normal,
                _ => Priority::Bulk,
            };
            job(HOST, first * JOB_TARGETS, (n % TENANTS, 1 + n % TENANTS % 4), priority)
        })
        .await;
        let lane = store.lane_depths().await.expect("depths")[0].id;
        Self { store, lane, parked: pile }
    }

    /// Claims until the parked host's pile is out of the way: milliseconds for each of its items.
    pub async fn set_aside(&mut self) -> f64 {
        let watch = Stopwatch::start();
        while self.claim().await.is_none() {}
        watch.elapsed().as_secs_f64() * 1e3 / f64::from(self.parked.max(1))
    }

    /// More of the parked host, in front of all others.
    pub async fn keep_fresh(&mut self) {
        let mut fresh = job(PARKED, self.parked, (TENANTS, 1), Priority::Urgent);
        fresh.parts[0].targets.truncate(FRESH as usize);
        self.parked += FRESH;
        self.store.create_job(fresh, SystemClock::default().now()).await.expect("a job that is kept");
    }

    pub async fn claim(&self) -> Option<Claim> {
        let now = SystemClock::default().now();
        let suspect = SuspendedHost {
            host: PARKED.to_owned(),
            refused: SubmissionId(1),
            until: now + Duration::from_secs(3600),
            failure: Failure::new(ErrorClass::DomainState, "ResourceUnavailable.CdnHostIsNotOnline", "offline"),
        };
        let grant = Grant {
            lane: self.lane,
            sequence: CallSequence::default(),
            targets_max: CLAIM_TARGETS,
            non_urgent_max: u32::MAX,
            bytes_max: usize::MAX,
            online_hosts: OnlineHosts::default(),
            suspended_hosts: vec![suspect],
            shares: Vec::new(),
        };
        self.store.claim(grant, now).await.expect("a store that works")
    }
}

async fn keep(store: &Arc<SqliteStore>, jobs: u32, job: impl Fn(u32) -> NewJob) {
    let mut first = 0;
    while first < jobs {
        let mut keeping = JoinSet::new();
        for n in first..jobs.min(first + JOBS_AT_ONCE) {
            let (store, job) = (store.clone(), job(n));
            keeping.spawn(async move { store.create_job(job, SystemClock::default().now()).await });
        }
        for kept in keeping.join_all().await {
            kept.expect("a job that is kept");
        }
        first += JOBS_AT_ONCE;
    }
}

fn job(host: &str, first: u32, (tenant, weight): (u32, u32), priority: Priority) -> NewJob {
    let target = |n| Target::parse(TargetKind::Url, &format!("https://{host}/assets/{n:08}/app.3f9a.js"));
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
        tenant: TenantName::new(format!("tenant-{tenant}")),
        weight,
        operation: Operation::Purge,
        priority,
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
