//! The simulated environment: clouds, a database file, and the real engine and service on it, all by one manual clock. One
//! thread, so that everything follows from the order of the actions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use refreshd::clock::{Clock, ManualClock};
use refreshd::domain::{AccountName, Reserve, Routes, Timestamp};
use refreshd::engine::{
    Account, EngineDeps, EngineStatus, EngineTimeouts, LaneStatuses, ServiceKind, SteppedEngine, VerifyPolicy,
};
use refreshd::notify::Notifiers;
use refreshd::probe::{ConnectError, DialTarget, DnsResult, HttpResult, ProbeRequest, ProbeResult, Prober};
use refreshd::random::Random;
use refreshd::sandbox::{self, Area, Cloud, Credential, Domain, OriginContent, QuotaOptions, Sandbox};
use refreshd::service::Service;
use refreshd::store::Store;
use refreshd::store::sqlite::{OpenError, SqliteStore};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::faulty_store::{Ailing, Ailment};
use super::network::{Line, LineTrouble};
use super::operator_policy::Rules;
use super::provider_faults;
use super::provider_faults::Temper;
use super::rng::Dice;

/// A host that no account has.
pub(super) const STRANGER: &str = "stranger.example.com";
/// A host that is taken offline and brought back.
pub(super) const LOCKED: &str = "locked.example.com";
/// A host that is served in one area alone.
pub(super) const NARROW: &str = "cn.example.net";
/// Part of the paths that the origins do not have.
pub(super) const ABSENT: &str = "absent";
/// The two clouds, each with the hosts that are routed to it.
pub(super) const SITES: [(&str, &[&str]); 2] =
    [("first", &["www.example.com", "img.example.com", LOCKED, STRANGER]), ("second", &["www.example.net", NARROW])];
pub(super) const PATHS: [&str; 8] = ["", "1", "2", "3", "4?v=1", "d/1", "d/2", "d/e/absent"];
pub(super) const DIRECTORIES: [&str; 3] = ["", "d/", "d/e/"];

/// 2026-11-22 12:00:00 UTC, four hours before the provider's midnight.
const START: Timestamp = Timestamp::from_millis(1_795_348_800_000);
/// Of each pool, for urgent jobs.
const RESERVE: Reserve = Reserve(0.05);
/// A client times out after 30 s: no call of a history takes longer.
const CALL_AGE_MAX: Duration = Duration::from_secs(25);

pub(super) struct World {
    pub(super) clock: ManualClock,
    random: Random,
    temper: Temper,
    pub(super) rules: Rules,
    pub(super) sites: BTreeMap<String, Sandbox>,
    credentials: BTreeMap<String, Credential>,
    routes: Arc<Routes>,
    folder: TempDir,
    alive: Option<Alive>,
    /// The faults of the connection to each cloud.
    lines: BTreeMap<String, LineTrouble>,
    pub(super) ailment: Ailment,
    /// Since when some call has been open.
    open_since: Option<Timestamp>,
    _stop: tokio_util::sync::DropGuard,
}

/// What ends with the process.
struct Alive {
    engine: SteppedEngine,
    service: Service,
}

impl World {
    pub(super) async fn begin(temper: Temper, dice: &mut Dice) -> Self {
        let clock = ManualClock::new(START);
        let stop = CancellationToken::new();
        let (mut sites, mut credentials, mut routes) = (BTreeMap::new(), BTreeMap::new(), Routes::default());
        for (account, hosts) in SITES {
            let options = site(hosts, &clock, temper, dice);
            credentials.insert(account.to_owned(), options.credentials[0].clone());
            let sandbox = sandbox::start(options, stop.clone()).await.expect("a sandbox");
            publish(sandbox.cloud(), hosts);
            sites.insert(account.to_owned(), sandbox);
            for host in hosts {
                routes.add(host.parse().expect("a host"), AccountName::new(account));
            }
        }
        let mut world = Self {
            clock,
            random: Random::seeded(dice.below(usize::MAX) as u64),
            temper,
            rules: Rules::of(temper),
            sites,
            credentials,
            routes: Arc::new(routes),
            folder: folder(),
            alive: None,
            lines: SITES.iter().map(|(account, _)| ((*account).to_owned(), LineTrouble::default())).collect(),
            ailment: Ailment::default(),
            open_since: None,
            _stop: stop.drop_guard(),
        };
        world.rise().await;
        world
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("refreshd.db")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn service(&self) -> &Service {
        &self.alive.as_ref().expect("alive between actions").service
    }

    pub(super) fn engine(&mut self) -> &mut SteppedEngine {
        &mut self.alive.as_mut().expect("alive between actions").engine
    }

    pub(super) fn clouds(&self) -> impl Iterator<Item = (&str, &Arc<Cloud>)> {
        self.sites.iter().map(|(account, sandbox)| (account.as_str(), sandbox.cloud()))
    }

    /// Cuts the connection to a cloud, or restores it.
    pub(super) fn cut(&self, account: &str, is_cut: bool) {
        self.lines[account].is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// Lets the next call to a cloud panic.
    pub(super) fn break_off(&self, account: &str, does: bool) {
        self.lines[account].breaks_off.store(does, Ordering::Relaxed);
    }

    /// A new process on the same file. One that cannot write there would not live.
    pub(super) async fn rise(&mut self) {
        self.ailment.strike(0, false);
        let store = Ailing { store: open(&self.file()).await, ailment: self.ailment.clone() };
        let store: Arc<dyn Store> = Arc::new(store);
        let accounts = self.credentials.iter().map(|(name, credential)| {
            let name = AccountName::new(name.as_str());
            let api = self.sites[name.as_str()].addresses.api;
            let provider = Line::new(api, credential, &self.clock, self.lines[name.as_str()].clone());
            let account = Account::new(name.clone(), Arc::new(provider), RESERVE, Arc::new(self.clock.clone()));
            (
                name,
                Arc::new(
                    account.with_promotion(self.rules.promotion.clone()).with_tenant_shares(self.rules.shares.clone()),
                ),
            )
        });
        let parts = EngineDeps {
            store: store.clone(),
            accounts: Arc::new(accounts.collect()),
            prober: Arc::new(Onlooker),
            verify: Arc::new(verify_policy(self.temper)),
            lane_statuses: Arc::new(LaneStatuses::default()),
            notifiers: Notifiers::default(),
            clock: Arc::new(self.clock.clone()),
            random: self.random.clone(),
            timeouts: PATIENCE,
        };
        let service = Service {
            store,
            routes: self.routes.clone(),
            lane_statuses: parts.lane_statuses.clone(),
            engine_status: Arc::new(EngineStatus::new(parts.accounts.clone(), self.routes.clone())),
            notifiers: parts.notifiers.clone(),
            clock: parts.clock.clone(),
            random: self.random.clone(),
        };
        let engine = SteppedEngine::start(&parts).await.expect("an engine");
        self.alive = Some(Alive { engine, service });
        self.open_since = None;
    }

    /// Kills the process. What it had passed to the database is committed; its open calls are dropped.
    pub(super) async fn die(&mut self) {
        let Alive { engine, service } = self.alive.take().expect("alive between actions");
        drop(engine);
        service.store.drain(Duration::from_secs(30)).await;
        drop(service);
        // What is on the wire arrives before any time passes.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Starts the prepared calls, and lets all open ones run as far as they can without time passing.
    pub(super) async fn begin_all(&mut self) {
        for kind in ServiceKind::ALL {
            while self.engine().prepared(kind) > 0 {
                self.engine().begin(kind, 0);
            }
        }
        self.settle().await;
    }

    /// Waits until each call under way has ended or waits for time, on either side of the wire.
    pub(super) async fn settle(&mut self) {
        /// A call that waits for another call's answer is recognised only by doing nothing for so long.
        const SILENCE: Duration = Duration::from_secs(2);
        let clock = self.clock.clone();
        let engine = self.engine();
        let quiet = async {
            while engine.under_way() > clock.awaited().len() {
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(SILENCE, quiet).await;
        self.note_open();
    }

    /// Records since when some call is open.
    pub(super) fn note_open(&mut self) {
        let now = self.now();
        let engine = self.engine();
        // An answer is recorded soon: no history leaves one unrecorded for hours.
        let is_open = engine.under_way() > 0
            || ServiceKind::ALL.iter().any(|kind| engine.prepared(*kind) + engine.unrecorded(*kind) > 0);
        self.open_since = if is_open { self.open_since.or(Some(now)) } else { None };
    }

    /// Lets time pass. A call that would grow older than calls can be is answered first, and the answer recorded.
    pub(super) async fn pass(&mut self, span: Duration) {
        let now = self.now();
        if self.open_since.is_some_and(|since| (now + span).since(since) > CALL_AGE_MAX) {
            self.finish_calls().await;
        }
        self.clock.advance(span);
        self.settle().await;
    }

    /// Every call is made, answered and recorded; none is prepared anew.
    pub(super) async fn finish_calls(&mut self) {
        for _ in 0..1_000 {
            self.begin_all().await;
            let now = self.now();
            for kind in ServiceKind::ALL {
                // A store with an injected fault refuses some answers; they are recorded at the next pass.
                let _ = self.engine().record(kind, now).await;
            }
            if self.engine().under_way() == 0 {
                self.settle().await;
                return;
            }
            let next = self.clock.awaited().first().copied();
            self.clock.advance(next.map_or(Duration::from_millis(100), |at| at.since(now)));
        }
        panic!("calls never end: {} are under way", self.engine().under_way());
    }

    /// Steps the service, but the process dies after so many moves of the step.
    pub(super) async fn step_cut_off(&mut self, kind: ServiceKind, moves: usize) -> bool {
        let now = self.now();
        let engine = self.engine();
        let step = async {
            // Errors are allowed: the store may have an injected fault.
            let _ = engine.record(kind, now).await;
            let _ = engine.step(kind, now).await;
        };
        cut_off(step, moves).await.is_none()
    }
}

/// Polls a future so many times, and drops it unless it has ended by then.
pub(super) async fn cut_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut remaining = polls;
    std::future::poll_fn(move |context| {
        if remaining == 0 {
            return Poll::Ready(None);
        }
        remaining -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Opens the file that a dead process has left. Other tests start programs, and for the moment between fork and exec such a
/// program has a copy of the lock.
async fn open(file: &Path) -> SqliteStore {
    for _ in 0..200 {
        match SqliteStore::open(file).await {
            Err(OpenError::Owned(_)) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened.expect("a database"),
        }
    }
    panic!("the dead process still owns its database");
}

/// The defaults of `config/default.toml`, with shorter limits for tasks.
const PATIENCE: EngineTimeouts = EngineTimeouts {
    poll_first: Duration::from_secs(5),
    poll_max: Duration::from_secs(60),
    listing_grace: Duration::from_secs(60),
    task_max_purge: Duration::from_secs(30 * 60),
    task_max_prefetch: Duration::from_secs(60 * 60),
    verify_deadline: Duration::from_secs(600),
    idempotency_keep: Duration::from_secs(24 * 3600),
};

fn site(hosts: &[&str], clock: &ManualClock, temper: Temper, dice: &mut Dice) -> sandbox::SandboxOptions {
    let mut options = sandbox::SandboxOptions::new(Arc::new(clock.clone()));
    let domain = |host: &&str| {
        let area = if *host == NARROW { Area::Mainland } else { Area::Global };
        Domain { area, ..Domain::new(*host) }
    };
    options.domains = hosts.iter().filter(|host| **host != STRANGER).map(domain).collect();
    options.switches = provider_faults::manners(temper, dice);
    options.task_time = *dice.one(&[Duration::from_millis(500), Duration::from_secs(4), Duration::from_secs(40)]);
    let (urls, directories, prefetches) = if temper.tight_pools { (60, 12, 30) } else { (2_000, 500, 1_000) };
    options.quota = QuotaOptions {
        urls,
        directories,
        prefetches,
        batch_urls: *dice.one(&[1, 3, 8, 100]),
        batch_directories: *dice.one(&[2, 50]),
        batch_prefetches: *dice.one(&[3, 50]),
        calls_per_second: 20,
    };
    options
}

fn publish(cloud: &Cloud, hosts: &[&str]) {
    let served = hosts.iter().filter(|host| **host != STRANGER);
    for (host, path) in served.flat_map(|host| PATHS.iter().map(move |path| (host, path))) {
        if !path.contains(ABSENT) {
            let content = OriginContent::new(*host, format!("/{path}"), "content");
            cloud.put_origin(content).expect("origin content");
        }
    }
}

/// Where the origins of all hosts seem to be.
const ORIGIN: [u8; 4] = [192, 0, 2, 1];

fn verify_policy(temper: Temper) -> VerifyPolicy {
    let origins = SITES
        .iter()
        .flat_map(|(_, hosts)| hosts.iter())
        .map(|host| ((*host).to_owned(), (ORIGIN, 80).into()))
        .collect();
    VerifyPolicy { origins, repurge: temper.repurge, ..VerifyPolicy::default() }
}

/// In memory where the machine allows it: thousands of histories need no disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}

/// Answers each probe by the target's name, always the same. A probe of an address goes to the origin.
struct Onlooker;

#[async_trait]
impl Prober for Onlooker {
    async fn probe(&self, ask: &ProbeRequest, _within: Duration) -> ProbeResult {
        let length = ask.host.len() + ask.path.len();
        let mut seen = ProbeResult::begun(ask.clone(), Timestamp::from_millis(0));
        if length.is_multiple_of(5) {
            let again = length.is_multiple_of(2);
            let denied = ConnectError::Denied(ORIGIN.into());
            seen.connect = Some(Err(if again { ConnectError::Refused } else { denied }));
            return seen;
        }
        let differs = matches!(ask.dial, DialTarget::Address(_)) && length.is_multiple_of(7);
        seen.connect = Some(Ok(Duration::ZERO));
        seen.http = Some(Ok(HttpResult {
            status: 200,
            headers: vec![("etag".to_owned(), if differs { "\"b\"" } else { "\"a\"" }.to_owned())],
            body_bytes: 0,
            body_sha256: None,
            first_byte: Duration::ZERO,
        }));
        seen
    }

    async fn resolve(&self, _host: &str, _within: Duration) -> DnsResult {
        unreachable!("the engine does not call it")
    }
}
