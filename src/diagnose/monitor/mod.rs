//! The monitor: checks every account and domain from time to time, so that a dying certificate or a domain that was moved is
//! known before a refresh fails on it. It sees with the eyes of the diagnoser and remembers since when each thing is so.

mod account;
mod findings;
mod schedule;

pub use findings::{Finding, Findings};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::findings::Observation;
use self::schedule::Schedule;
use super::{AccountContext, AccountSnapshot, Diagnose, DiagnosisInput, KnownDomainState};
use crate::clock::Clock;
use crate::domain::{
    AccountName, CheckId, ItemOperation, PoolReading, RecentUsage, Routes, Subject, Target, TargetKind, Timestamp,
};
use crate::provider::{CallLimiter, DomainDetail, DomainFacts, DomainQuery, Provider, ReadError};
use crate::random::Random;
use crate::store::Store;

/// Domains that are looked at in one round: each takes seconds, and a round must not outlast its hour.
const DOMAINS_MAX: usize = 300;
/// How long one domain may take.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// What of a diagnosis is a standing fact of the domain, and not of a request.
const STANDING: [CheckId; 8] = [
    CheckId::Domain,
    CheckId::Cname,
    CheckId::OriginName,
    CheckId::OriginConnect,
    CheckId::OriginCertificate,
    CheckId::OriginAnswer,
    CheckId::EdgeConnect,
    CheckId::EdgeCertificate,
];

/// How an account stands by what its work has met.
pub trait AccountStatusSource: Send + Sync {
    /// None: it is not configured.
    fn account(&self, name: &AccountName) -> Option<AccountSnapshot>;
}

/// An account whose domains are walked past.
pub struct MonitoredAccount {
    pub name: AccountName,
    pub provider: Arc<dyn Provider>,
    pub limiter: Arc<dyn CallLimiter>,
}

/// What the monitor works with.
pub struct MonitorDeps {
    pub accounts: Vec<MonitoredAccount>,
    pub routes: Arc<Routes>,
    pub account_status: Arc<dyn AccountStatusSource>,
    pub diagnoser: Arc<dyn Diagnose>,
    /// Where what was sent is counted; none: nothing is known of it.
    pub store: Option<Arc<dyn Store>>,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
    pub edges: BTreeMap<String, SocketAddr>,
    pub origins: BTreeMap<String, SocketAddr>,
}

pub struct Monitor {
    with: MonitorDeps,
    findings: Mutex<Findings>,
    /// One round at a time: a second one would see the same.
    walking: tokio::sync::Mutex<()>,
}

impl Monitor {
    #[must_use]
    pub fn new(with: MonitorDeps) -> Self {
        Self { with, findings: Mutex::default(), walking: tokio::sync::Mutex::default() }
    }

    /// What stands now, worst first, and when the last round ended.
    #[must_use]
    pub fn findings(&self) -> (Vec<Finding>, Option<Timestamp>) {
        let findings = self.findings_lock();
        (findings.worst_first(), findings.last_round_at())
    }

    /// Walks once at the start and then every so often, until `shutdown`.
    pub async fn run(&self, every: Duration, shutdown: CancellationToken) {
        let mut rounds = Schedule::new(every);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.with.clock.sleep_until(rounds.next_at(self.with.clock.now())) => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.round() => {}
            }
            rounds.walked(self.with.clock.now(), self.with.random.jitter());
        }
    }

    /// Looks at everything once. Whoever asks while a round is walked waits for it and walks another.
    pub async fn round(&self) {
        let _alone = self.walking.lock().await;
        for beat in &self.with.accounts {
            self.walk(beat).await;
        }
        let now = self.with.clock.now();
        self.findings_lock().end_round(now);
    }

    async fn walk(&self, beat: &MonitoredAccount) {
        let limiter = beat.limiter.as_ref();
        let mut readings = Vec::new();
        for operation in ItemOperation::ALL {
            readings.push((*operation, beat.provider.quota(*operation, limiter).await));
        }
        let domains = beat.provider.domains(&DomainQuery::All, DomainDetail::Full, limiter).await;
        let mut seen = self.account(beat, &readings, &domains).await;
        let reached = domains.is_ok();
        let mut domains = domains.unwrap_or_default();
        domains.retain(|facts| self.is_served_by(&facts.name, &beat.name));
        if let Some(left_out) = domains.get(DOMAINS_MAX..).filter(|left_out| !left_out.is_empty()) {
            tracing::warn!(account = %beat.name, domains = left_out.len(), first = %left_out[0].name, "more domains than the patrol looks at");
        }
        for facts in domains.into_iter().take(DOMAINS_MAX) {
            seen.extend(self.domain(&beat.name, facts).await);
        }
        tracing::debug!(account = %beat.name, observations = seen.len(), "the patrol has walked past");
        self.record(&beat.name, seen, reached);
    }

    /// A domain whose hosts are routed elsewhere is that account's to look after.
    fn is_served_by(&self, domain: &str, account: &AccountName) -> bool {
        let host = domain.strip_prefix("*.").map_or_else(|| domain.to_owned(), |suffix| format!("any.{suffix}"));
        self.with.routes.account_for(&host) == Some(account)
    }

    async fn account(
        &self,
        beat: &MonitoredAccount,
        readings: &[(ItemOperation, Result<Vec<PoolReading>, ReadError>)],
        domains: &Result<Vec<DomainFacts>, ReadError>,
    ) -> Vec<Observation> {
        let now = self.with.clock.now();
        // After the reads: they may have taught the skew.
        let state = self.with.account_status.account(&beat.name);
        let mut seen = account::access(&beat.name, state.as_ref(), readings, domains);
        seen.push(account::clock(&beat.name, beat.provider.skew_millis()));
        let day = beat.provider.capabilities().day;
        let since = day.start(now).max(now - account::RATE_SPAN);
        let spent = match &self.with.store {
            Some(store) => store.usage_since(since).await.unwrap_or_default(),
            None => Vec::new(),
        };
        for pool in readings.iter().filter_map(|(_, reading)| reading.as_ref().ok()).flatten() {
            let draws = spent.iter().filter(|spent| {
                spent.lane.account == beat.name && beat.provider.pools(&spent.lane).contains(&pool.name)
            });
            let targets = draws.map(|spent| spent.targets).sum();
            let lately = RecentUsage { targets, since };
            seen.push(account::quota(&beat.name, pool, lately, day.next_reset(now), now));
        }
        seen
    }

    async fn domain(&self, account: &AccountName, facts: DomainFacts) -> Vec<Observation> {
        let name = facts.name.clone();
        let Ok(home) = Target::parse(TargetKind::Url, &format!("https://{name}/")) else {
            return account::wildcard(&facts).into_iter().collect();
        };
        let host = home.host().to_owned();
        let case = DiagnosisInput {
            subject: Subject::Host(host.clone()),
            target: home,
            other_edges: Vec::new(),
            near: None,
            request: None,
            circumstances: AccountContext {
                account: self.with.account_status.account(account),
                pools: Vec::new(),
                domain: KnownDomainState::Facts(Box::new(facts)),
            },
            edge: self.with.edges.get(&host).copied(),
            origin: self.with.origins.get(&host).copied(),
        };
        let diagnosis = self.with.diagnoser.diagnose(case, LOOK_MAX).await;
        let standing = diagnosis.checks.into_iter().filter(|check| STANDING.contains(&check.id));
        standing.map(|check| Observation::of_domain(&host, check)).collect()
    }

    fn record(&self, account: &AccountName, seen: Vec<Observation>, reached: bool) {
        let now = self.with.clock.now();
        for change in self.findings_lock().take(account, seen, reached, now) {
            let Finding { subject, check, result, seen, .. } = &change;
            if change.is_trouble() {
                tracing::warn!(subject = %subject, check = %check, result = %result, seen = %seen, "the patrol found trouble");
            } else {
                tracing::info!(subject = %subject, check = %check, result = %result, "the patrol found it well again");
            }
        }
    }

    fn findings_lock(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
