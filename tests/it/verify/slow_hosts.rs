//! Probe slots are few: one host that does not answer, with many jobs, delays neither the verdicts of other hosts nor those of
//! its own jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use refreshd::clock::SystemClock;
use refreshd::domain::{ItemOperation, Target, TargetKind, Timestamp, Verification};
use refreshd::engine::{EngineDeps, EngineTimeouts, LaneStatuses, ServiceKind, SteppedEngine, VerifyPolicy};
use refreshd::notify::Notifiers;
use refreshd::probe::{ConnectError, DnsResult, ProbeRequest, ProbeResult, Prober};
use refreshd::random::Random;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{Job, NewJob, PartState, Store};
use tempfile::TempDir;

use crate::store::fixtures::{at, do_all, job, keep, lane_of, part, purge};

const DEADLINE: Duration = Duration::from_secs(600);
/// A job without a slot so long after the deadline expires without a probe.
const LATE: Duration = Duration::from_secs(30);
/// How long a probe of the slow host takes: longer than that of one that answers, however slowly.
const NOTHING: Duration = Duration::from_millis(3_100);

/// Never answers for the slow host, panics for the broken one, and denies all others at once.
#[derive(Default)]
struct Halting {
    asked: AtomicUsize,
}

#[async_trait]
impl Prober for Halting {
    async fn probe(&self, ask: &ProbeRequest, _within: Duration) -> ProbeResult {
        assert_ne!(ask.host, "broken.example", "a fault of the program");
        let mut seen = ProbeResult::begun(ask.clone(), Timestamp::from_millis(0));
        if ask.host != "slow.example" {
            seen.connect = Some(Err(ConnectError::Denied([127, 0, 0, 1].into())));
            return seen;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(NOTHING).await;
        seen.connect = Some(Err(ConnectError::TimedOut));
        seen
    }

    async fn resolve(&self, _host: &str, _within: Duration) -> DnsResult {
        unreachable!("the verifier has no use for it")
    }
}

struct Place {
    engine: SteppedEngine,
    store: Arc<dyn Store>,
    prober: Arc<Halting>,
    folder: TempDir,
}

impl Place {
    async fn new(hosts: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&folder.path().join("refreshd.db")).await.expect("a store"));
        let prober = Arc::new(Halting::default());
        let address = ([127, 0, 0, 1], 80).into();
        let origins = hosts.iter().map(|host| ((*host).to_owned(), address)).collect();
        let hour = Duration::from_secs(3_600);
        let parts = EngineDeps {
            store: store.clone(),
            accounts: Arc::default(),
            prober: prober.clone(),
            verify: Arc::new(VerifyPolicy { origins, ..VerifyPolicy::default() }),
            lane_statuses: Arc::new(LaneStatuses::default()),
            notifiers: Notifiers::default(),
            clock: Arc::new(SystemClock::default()),
            random: Random::default(),
            timeouts: EngineTimeouts {
                poll_first: hour,
                poll_max: hour,
                listing_grace: hour,
                task_max_purge: hour,
                task_max_prefetch: hour,
                verify_deadline: DEADLINE,
                idempotency_keep: hour,
            },
        };
        let engine = SteppedEngine::start(&parts).await.expect("an engine");
        Self { engine, store, prober, folder }
    }

    /// So many jobs of the host, done at that moment.
    async fn done(&self, host: &str, count: u32, now: Timestamp) -> Vec<Job> {
        let mut jobs = Vec::new();
        for number in 0..count {
            let target = Target::parse(TargetKind::Url, &format!("https://{host}/{number}")).expect("valid");
            let parts = vec![part(ItemOperation::Purge, PartState::Due, vec![target])];
            jobs.push(keep(self.store.as_ref(), NewJob { verify: true, parts, ..purge(0..0) }, now).await);
        }
        let lane = lane_of(self.store.as_ref(), &jobs[0], 0).await;
        do_all(self.store.as_ref(), lane, now).await;
        jobs
    }

    /// Steps, begins all looks, and waits until no more than so many are under way; records those that ended.
    async fn pass(&mut self, under_way: usize, now: Timestamp) {
        self.engine.step(ServiceKind::Verifier, now).await.expect("a step");
        while self.engine.prepared(ServiceKind::Verifier) > 0 {
            self.engine.begin(ServiceKind::Verifier, 0);
        }
        for _ in 0..1_000 {
            if self.engine.under_way() <= under_way {
                self.engine.record(ServiceKind::Verifier, now).await.expect("recorded");
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} looks are under way", self.engine.under_way());
    }

    /// How many rounds of probes a step prepares.
    async fn step(&mut self, now: Timestamp) -> usize {
        self.engine.step(ServiceKind::Verifier, now).await.expect("a step");
        self.engine.prepared(ServiceKind::Verifier)
    }

    async fn last_event(&self, job: &Job) -> String {
        self.store.last_events(job.row, 1).await.expect("readable").remove(0).message
    }

    async fn pending(&self, jobs: &[Job]) -> usize {
        let mut pending = 0;
        for kept in jobs {
            let now = job(self.store.as_ref(), kept).await;
            pending += usize::from(now.verification == Verification::Pending);
        }
        pending
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pile_of_a_slow_host_leaves_places_for_others() {
    let mut place = Place::new(&["slow.example", "swift.example", "well.example"]).await;
    let slow = place.done("slow.example", 300, at(1)).await;
    let mut well = place.done("well.example", 3, at(2)).await;
    well.extend(place.done("swift.example", 3, at(2)).await);
    // The first look shows that these answer, so that more of them are looked at side by side.
    for _ in 0..2 {
        place.pass(1, at(3)).await;
    }
    assert_eq!(place.pending(&well).await, 0, "behind the pile, and at once");
    assert_eq!((place.pending(&slow).await, place.prober.asked.load(Ordering::Relaxed)), (300, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_deadline_no_job_waits_for_the_turn_of_a_silent_host() {
    let mut place = Place::new(&["slow.example"]).await;
    let slow = place.done("slow.example", 150, at(1)).await;
    place.pass(0, at(2)).await;
    assert_eq!(place.pending(&slow).await, 150, "they may be seen later");
    assert_eq!(place.prober.asked.load(Ordering::Relaxed), 1);
    // The host was silent, so one look at a time is enough; nobody waits for it for ever.
    for _ in 0..40 {
        place.pass(1, at(1) + DEADLINE + LATE).await;
    }
    assert!(place.prober.asked.load(Ordering::Relaxed) <= 3, "{}", place.prober.asked.load(Ordering::Relaxed));
    assert!(place.pending(&slow).await <= 1, "{} wait", place.pending(&slow).await);
    let last = place.last_event(&slow[149]).await;
    assert!(last.contains("all probe slots were busy"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_nobody_else_wants_go_to_a_host_that_answers() {
    let mut place = Place::new(&["well.example"]).await;
    let well = place.done("well.example", 40, at(1)).await;
    place.pass(0, at(2)).await;
    assert_eq!(place.pending(&well).await, 39, "it was new, so it had one");
    assert_eq!(place.step(at(3)).await, 12, "four of the sixteen are kept for others");
    assert_eq!(place.step(at(1) + DEADLINE).await, 12);
    assert_eq!(place.step(at(1) + DEADLINE + LATE).await, 39, "nobody waits any longer");
    place.pass(0, at(1) + DEADLINE + LATE).await;
    assert_eq!(place.pending(&well).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_deadline_no_job_waits_among_new_hosts() {
    let hosts: Vec<String> = (0..40).map(|number| format!("new{number}.example")).collect();
    let mut place = Place::new(&hosts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut jobs = Vec::new();
    for host in &hosts {
        jobs.extend(place.done(host, 1, at(1)).await);
    }
    assert_eq!(place.step(at(1) + DEADLINE).await, 8);
    assert_eq!(place.step(at(1) + DEADLINE + LATE).await, 40);
    place.pass(0, at(1) + DEADLINE + LATE).await;
    assert_eq!(place.pending(&jobs).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_breaks_off_gives_its_place_back() {
    let mut place = Place::new(&["broken.example"]).await;
    let broken = place.done("broken.example", 1, at(1)).await;
    place.pass(0, at(2)).await;
    assert_eq!(place.pending(&broken).await, 1, "it may be seen later");
    assert_eq!(place.step(at(1) + DEADLINE).await, 1);
    place.pass(0, at(1) + DEADLINE).await;
    assert_eq!(place.pending(&broken).await, 0);
    let last = place.last_event(&broken[0]).await;
    assert!(last.contains("a bug in refreshd"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_read_keeps_no_other_from_its_look() {
    let mut place = Place::new(&["odd.example", "well.example"]).await;
    let odd = place.done("odd.example", 1, at(1)).await;
    let well = place.done("well.example", 1, at(2)).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.folder.path().join("refreshd.db"));
    let db = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    let spoilt = sqlx::query("update items set target = 'no URL' where target like '%odd.example%'").execute(&db).await;
    assert_eq!(spoilt.expect("written").rows_affected(), 1);
    db.close().await;
    place.pass(0, at(3)).await;
    assert_eq!((place.pending(&odd).await, place.pending(&well).await), (1, 0));
    assert_eq!(place.step(at(4)).await, 0, "and it is tried again");
}
