//! The simulation (STYLE §9): the real engine and store with simulated clouds, through random histories: lost answers, wrong
//! answers, kills at any moment, new provider days. After every action the laws (docs/laws.md) are checked.
//!
//! `SEED=n` repeats one history; `HISTORIES=n` runs so many. All repeats except how far a step or a call had come when its
//! process was killed: the database has threads of its own.

mod actions;
mod area_after_move;
mod db_snapshot;
mod environment;
mod fairness;
mod faulty_store;
mod invariants;
mod network;
mod operator_policy;
mod orphaned_submissions;
mod provider_faults;
mod provider_ledger;
mod quiesce;
mod quota_reset;
mod restart_recovery;
mod rng;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use refreshd::domain::Timestamp;
use refreshd::engine::ServiceKind;
use refreshd::sandbox::Cloud;

use self::actions::{Keyed, WEIGHTS};
use crate::support::{recount_of, slow};
use db_snapshot::Reader;
use environment::World;
use invariants::{Acknowledged, Laws, Since};
use provider_faults::{Excuses, Temper};
use provider_ledger::CloudBooks;
use rng::Dice;

const HISTORIES: u64 = 200;
const HISTORIES_SLOW: u64 = 4_000;
/// Actions of a history before everything heals.
const ACTIONS: usize = 100;
/// Actions that a failure prints.
const TOLD_MAX: usize = 60;

#[test]
fn the_laws_hold_in_every_history() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HISTORIES").unwrap_or(if slow() { HISTORIES_SLOW } else { HISTORIES }),
    };
    let next = AtomicU64::new(seeds.start);
    let (failures, moves) = (Mutex::new(BTreeMap::new()), Mutex::new(BTreeSet::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match live(seed) {
                        Ok(reached) => moves.lock().unwrap_or_else(PoisonError::into_inner).extend(reached),
                        Err(failure) => {
                            failures.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, failure);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let moves = moves.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unreached: Vec<&&str> = REACHED.iter().filter(|expected| !moves.contains(**expected)).collect();
    let enough = seeds.end - seeds.start >= HISTORIES;
    let seeds: Vec<&u64> = failures.keys().collect();
    if let Some((seed, failure)) = failures.first_key_value() {
        panic!("{} histories break a law: seeds {seeds:?}\n\nSEED={seed}\n{failure}", failures.len());
    }
    assert!(!enough || unreached.is_empty(), "no history came to {unreached:?}");
}

/// What histories must reach, or their success would prove little.
const REACHED: [&str; 35] = [
    "riding item to succeeded",
    "riding item to pending",
    "item pending to submitted",
    "item pending to cancelled",
    "item pending to expired",
    "item pending to failed",
    "item submitted to pending",
    "item submitted to succeeded",
    "item submitted to failed",
    "item submitted to cancelled",
    "item failed: bad_target",
    "item failed: outage",
    "item failed: provider_timeout",
    "item failed: purge_failed",
    "submission sending to accepted",
    "submission sending to refused",
    "submission sending to ambiguous",
    "submission sending to released",
    "submission ambiguous to accepted",
    "submission ambiguous to released",
    "submission accepted to settled",
    "job succeeded",
    "job partial",
    "job failed",
    "job cancelled",
    "job expired",
    "store failed before a change",
    "store failed after a change",
    "lane paused with work",
    "claim of nobody",
    "call broken off",
    "directory promoted",
    "rider on a promoted directory",
    "tenant waits for its share",
    "second purge",
];

/// Runs one history. An error says which law broke, and what had happened before.
fn live(seed: u64) -> Result<BTreeSet<String>, String> {
    let trace = Trace::default();
    let told = trace.clone();
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut history = History::begin(seed, told).await;
            history.unfold().await.map(|()| history.laws.moves)
        })
    }));
    let broken = match lived {
        Ok(Ok(moves)) => return Ok(moves),
        Ok(Err(broken)) => broken,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            format!(
                "panic: {}",
                text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
            )
        }
    };
    let lines = trace.0.lock().unwrap_or_else(PoisonError::into_inner);
    let from = if std::env::var_os("SEED").is_some() { 0 } else { lines.len().saturating_sub(TOLD_MAX) };
    Err(format!("{}\n\n{broken}", lines[from..].join("\n")))
}

/// What happened, line by line; readable after a panic too.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

struct History {
    world: World,
    dice: Dice,
    temper: Temper,
    excuses: Excuses,
    reader: Reader,
    laws: Laws,
    books: BTreeMap<String, CloudBooks>,
    told: Vec<Acknowledged>,
    /// The tenant of each acknowledged job.
    tenants: Vec<usize>,
    keyed: Vec<Keyed>,
    posts: usize,
    /// Lanes that a person paused.
    paused: BTreeSet<i64>,
    /// Lanes whose pause or resumption returned an error.
    resumed_in_vain: BTreeSet<i64>,
    restarted: bool,
    began_at: Timestamp,
    /// Checks that found something new.
    checks: usize,
    /// One of so many checks recounts everything, which takes as long as all else.
    every: usize,
    trace: Trace,
}

impl History {
    async fn begin(seed: u64, trace: Trace) -> Self {
        let mut dice = Dice::of(seed);
        let temper = Temper::drawn(&mut dice);
        let world = World::begin(temper, &mut dice).await;
        let reader = Reader::open(&world.file());
        let began_at = world.now();
        let mut history = Self {
            world,
            dice,
            temper,
            excuses: Excuses::default(),
            reader,
            laws: Laws::default(),
            books: BTreeMap::new(),
            told: Vec::new(),
            tenants: Vec::new(),
            keyed: Vec::new(),
            posts: 0,
            paused: BTreeSet::new(),
            resumed_in_vain: BTreeSet::new(),
            restarted: false,
            began_at,
            checks: 0,
            every: if std::env::var_os("SEED").is_some() { 1 } else { 4 },
            trace,
        };
        let mut sites = history.world.sites.values();
        history.excuses.pools_hidden = sites.any(|site| site.cloud().switches().overseas_quota_hidden);
        history.tell(&format!("{temper:?}"));
        history
    }

    async fn unfold(&mut self) -> Result<(), String> {
        for number in 0..ACTIONS {
            let action = self.dice.weighed(&WEIGHTS);
            self.tell(&format!("{number}: {action:?}"));
            self.act(action).await?;
            self.check().await?;
        }
        self.heal().await?;
        self.check_the_end().await
    }

    fn tell(&self, line: &str) {
        let at = self.world.now().since(self.began_at);
        let line = format!("{:>10.3} {line}", at.as_secs_f64());
        self.trace.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn any_account(&mut self) -> String {
        let accounts: Vec<String> = self.world.clouds().map(|(account, _)| account.to_owned()).collect();
        self.dice.one(&accounts).clone()
    }

    fn any_cloud(&mut self) -> Arc<Cloud> {
        let account = self.any_account();
        self.world.sites[&account].cloud().clone()
    }

    /// Whether the daemon may have deleted keys (`idempotency.keep`).
    fn keys_may_be_forgotten(&self) -> bool {
        self.world.now().since(self.began_at) >= Duration::from_secs(24 * 3600)
    }

    /// A pass of one service, checked after each half.
    async fn record_and_step(&mut self, kind: ServiceKind) -> Result<Option<Timestamp>, String> {
        let now = self.world.now();
        self.record(kind, now).await?;
        self.check().await?;
        let next = self.step(kind, now).await?;
        self.check().await?;
        Ok(next)
    }

    async fn record(&mut self, kind: ServiceKind, now: Timestamp) -> Result<(), String> {
        self.world.ailment.was_felt();
        let recorded = self.world.engine().record(kind, now).await;
        if recorded.is_err() && self.store_ailed() {
            return Ok(());
        }
        recorded.map_err(|error| format!("{kind:?} cannot record: {error}"))
    }

    async fn step(&mut self, kind: ServiceKind, now: Timestamp) -> Result<Option<Timestamp>, String> {
        self.world.ailment.was_felt();
        let next = self.world.engine().step(kind, now).await;
        self.world.note_open();
        if next.is_err() && self.store_ailed() {
            return Ok(Some(now));
        }
        next.map_err(|error| format!("{kind:?} cannot step: {error}"))
    }

    /// Whether the store has failed because of an injected fault.
    fn store_ailed(&mut self) -> bool {
        let when = if self.world.ailment.has_lied() { "after" } else { "before" };
        self.laws.moves.insert(format!("store failed {when} a change"));
        self.world.ailment.was_felt()
    }

    /// Checks every law on the present rows.
    async fn check(&mut self) -> Result<(), String> {
        let restarted = std::mem::take(&mut self.restarted);
        let since = Since { restarted, paused: &self.paused, now: self.world.now() };
        if self.laws.before.items.values().any(|item| item.due && self.paused.contains(&item.lane)) {
            self.laws.moves.insert("lane paused with work".to_owned());
        }
        let mut broken = Vec::new();
        let mut called = false;
        for (account, cloud) in self.world.clouds() {
            let books = self.books.entry(account.to_owned()).or_default();
            let (calls, breaches) = books.check(cloud, &self.excuses);
            called |= calls;
            broken.extend(breaches);
        }
        let news = self.reader.has_news().await;
        // A start that changed no row may be a fault.
        if news || since.restarted {
            let rows = self.reader.read().await;
            let done = provider_ledger::newly_succeeded(&self.laws.before, &rows);
            let (reached, breaches) = self.world.rules.check(&self.laws.before, &rows);
            self.laws.moves.extend(reached);
            broken.extend(breaches);
            broken.extend(self.laws.check(rows, since, &self.told, &self.excuses));
            broken.extend(self.check_tasks(&done).await);
            broken.extend(self.check_shares());
            self.checks += 1;
            if self.checks.is_multiple_of(self.every) {
                broken.extend(recount_of(self.reader.rows()).await);
                broken.extend(self.law_7_who_waits_is_told_why().await);
            }
        } else if called {
            broken.extend(self.check_tasks(&[]).await);
        }
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }

    fn check_shares(&self) -> Vec<String> {
        let now = self.world.now();
        let of = |(account, cloud): (&str, &Arc<Cloud>)| self.world.rules.check_shares(account, cloud, &self.laws, now);
        self.world.clouds().flat_map(of).collect()
    }

    async fn check_tasks(&self, done: &[i64]) -> Vec<String> {
        let mut broken = Vec::new();
        for (account, cloud) in self.world.clouds() {
            broken.extend(provider_ledger::check_tasks(account, cloud, &self.laws, done, &self.excuses).await);
        }
        broken
    }

    /// Law 7, for one of the jobs with pending items each time, in turn.
    async fn law_7_who_waits_is_told_why(&self) -> Option<String> {
        let pending: Vec<_> = self.laws.before.jobs.values().filter(|job| job.counts.pending > 0).collect();
        let job = pending.get(self.checks / self.every % pending.len().max(1))?;
        let store = &self.world.service().store;
        let job = store.job(job.id, None).await.expect("a readable store")?;
        let view = self.world.service().view(job).await.expect("a readable store");
        let told = view.waiting.as_ref().is_some_and(|waiting| !waiting.why.detail.is_empty());
        (!told).then(|| format!("law 7: {} waits and is not told why", view.job.id))
    }
}
