//! The simulated account: everything its servers share, and the handle through which tests look at and change it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::account::Credential;
use super::account::SimulatedAccount;
use super::account::quota::{PoolChange, QuotaLedger, SimulatedPool};
use super::account::rate::Rates;
use super::account::wire::AccountSetup;
use super::api::call_log::{CallLog, RecordedCall};
use super::api::task::{Task, TaskKind, Tasks};
use super::dns::wire::DnsRule;
use super::dns::zone::{DnsQuestion, Resolved, Zone, ZoneAddresses};
use super::domain_config::domain::{Domain, DomainConfigError, DomainStatus, DomainTable};
use super::domain_config::wire::DomainChange;
use super::edge::cache::{Caches, EdgeScheme};
use super::faults::FaultSet;
use super::faults::http::{AnswerRuleError, HttpFaults};
use super::faults::wire::{AnswerRule, FaultRule};
use super::options::{Addresses, SandboxOptions};
use super::origin::documents::{ContentError, OriginServer};
use super::tls::{CertificateRule, SandboxTls};
use super::wire::{OriginContent, Switches};
use crate::clock::Clock;
use crate::domain::Timestamp;

/// The cloud behind a running sandbox. What a control endpoint does over a socket is a method here.
pub struct Cloud {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) credentials: Vec<Credential>,
    pub(super) calls_per_second: u32,
    pub(super) task_time: Duration,
    pub(super) tls: Arc<SandboxTls>,
    addresses: ServerAddresses,
    pub(super) started_at: Timestamp,
    /// Held while due rows are settled, which may wait for the origin.
    pub(super) settling: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// Where this sandbox's servers are.
pub(super) struct ServerAddresses {
    /// As this machine reaches them.
    pub(super) own: Addresses,
    pub(super) nodes: Vec<IpAddr>,
    pub(super) machines: Vec<IpAddr>,
}

pub(super) struct State {
    pub(super) domains: DomainTable,
    pub(super) quota: QuotaLedger,
    pub(super) rates: Rates,
    pub(super) tasks: Tasks,
    pub(super) faults: FaultSet,
    pub(super) switches: Switches,
    pub(super) calls: CallLog,
    pub(super) caches: Caches,
    pub(super) origin: OriginServer,
    pub(super) answers: HttpFaults,
    pub(super) account: SimulatedAccount,
    dns: Zone,
}

/// A task and how its targets stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskView {
    pub id: String,
    pub kind: TaskKind,
    pub created_at: Timestamp,
    /// URL or directory as listed, and `process`, `done`, `fail` or `invalid`.
    pub targets: Vec<(String, &'static str)>,
}

impl Cloud {
    pub(super) fn new(options: SandboxOptions, tls: Arc<SandboxTls>, addresses: ServerAddresses) -> Self {
        let now = options.clock.now();
        let state = State {
            quota: QuotaLedger::new(&options.quota, now),
            origin: OriginServer::seeded(&options.domains, now),
            domains: DomainTable(options.domains),
            rates: Rates::default(),
            tasks: Tasks::default(),
            faults: FaultSet::default(),
            switches: options.switches,
            calls: CallLog::default(),
            caches: Caches::new(addresses.nodes.len()),
            answers: HttpFaults::default(),
            account: SimulatedAccount::default(),
            dns: Zone::default(),
        };
        Self {
            clock: options.clock,
            credentials: options.credentials,
            calls_per_second: options.quota.calls_per_second,
            task_time: options.task_time,
            tls,
            addresses,
            started_at: now,
            settling: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock is a bug that its test shows; it need not hide what the others see.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The calls with a number above `seq`, oldest first; numbers count from 1.
    #[must_use]
    pub fn calls_after(&self, seq: u64) -> Vec<RecordedCall> {
        self.state().calls.after(seq)
    }

    /// Every API call that is still remembered, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.calls_after(0)
    }

    /// The six pools: URLs, directories and prefetches, each mainland and overseas.
    #[must_use]
    pub fn quota(&self) -> Vec<SimulatedPool> {
        self.state().quota.view(self.now())
    }

    pub fn change_quota(&self, change: &PoolChange) {
        self.state().quota.change(change, self.now());
    }

    /// Takes a domain off its edges, or brings it back. A name that is none of the account's changes nothing.
    pub fn set_domain_status(&self, name: &str, status: DomainStatus) {
        for domain in self.state().domains.0.iter_mut().filter(|domain| domain.name == name) {
            domain.status = status;
        }
    }

    /// Changes domains of the account, or takes them in: all of them, or none if one is at fault.
    pub fn change_domains(&self, changes: Vec<DomainChange>) -> Result<(), DomainConfigError> {
        self.state().domains.change(changes)
    }

    /// The account no longer has the domain. Says whether it had.
    pub fn remove_domain(&self, name: &str) -> bool {
        self.state().domains.remove(name)
    }

    #[must_use]
    pub fn domains(&self) -> Vec<Domain> {
        self.state().domains.0.clone()
    }

    /// Every task with its targets as they stand now, oldest first.
    pub async fn tasks(self: &Arc<Self>) -> Vec<TaskView> {
        self.settle_due().await;
        let state = self.state();
        let view = |task: &Task| TaskView {
            id: task.id.clone(),
            kind: task.kind,
            created_at: task.created_at,
            targets: task.rows.iter().map(|row| (row.url.clone(), row.status.as_str())).collect(),
        };
        state.tasks.all().iter().map(view).collect()
    }

    /// Replaces all fault rules, and starts their counts anew.
    pub fn set_faults(&self, rules: Vec<FaultRule>) {
        self.state().faults.replace(rules);
    }

    #[must_use]
    pub fn faults(&self) -> Vec<FaultRule> {
        self.state().faults.rules()
    }

    pub fn set_switches(&self, switches: Switches) {
        self.state().switches = switches;
    }

    #[must_use]
    pub fn switches(&self) -> Switches {
        self.state().switches.clone()
    }

    /// Publishes content at the origin. The edge serves it once it has no older copy.
    pub fn put_origin(&self, content: OriginContent) -> Result<(), ContentError> {
        self.state().origin.put(content, self.now())
    }

    /// Says whether there was such content.
    pub fn remove_origin(&self, host: &str, path: &str) -> bool {
        self.state().origin.remove(host, path)
    }

    /// Replaces what the simulated DNS answers beside what it answers by itself.
    pub fn set_dns(&self, rules: Vec<DnsRule>) {
        self.state().dns.replace(rules);
    }

    #[must_use]
    pub fn dns(&self) -> Vec<DnsRule> {
        self.state().dns.rules()
    }

    pub(super) fn resolve(&self, name: &str, question: DnsQuestion) -> Resolved {
        let state = &mut *self.state();
        let ServerAddresses { own, nodes, .. } = &self.addresses;
        let edges = if nodes.is_empty() { vec![own.edge.ip()] } else { nodes.clone() };
        let addresses = ZoneAddresses { edges, origin: own.origin.ip() };
        state.dns.resolve(name, question, &state.domains, &addresses)
    }

    /// Whether the edge is there, in truth or by what the simulated DNS was set to say of the provider's names.
    pub(super) fn is_node(&self, address: IpAddr) -> bool {
        let ServerAddresses { own, nodes, .. } = &self.addresses;
        address == own.edge.ip() || nodes.contains(&address) || self.state().dns.is_edge_address(address)
    }

    /// Where this sandbox's own origin is asked.
    pub(super) const fn origin_at(&self, scheme: EdgeScheme) -> SocketAddr {
        match scheme {
            EdgeScheme::Http => self.addresses.own.origin,
            EdgeScheme::Https => self.addresses.own.origin_tls,
        }
    }

    /// The port at which an origin is asked whose configuration names none.
    pub(super) fn origin_port(&self, ip: IpAddr, scheme: EdgeScheme) -> u16 {
        match scheme {
            EdgeScheme::Http if self.addresses.machines.contains(&ip) => 80,
            EdgeScheme::Https if self.addresses.machines.contains(&ip) => 443,
            _ => self.origin_at(scheme).port(),
        }
    }

    /// Replaces what goes wrong with answers of origin and edge.
    pub fn set_answers(&self, rules: Vec<AnswerRule>) -> Result<(), AnswerRuleError> {
        self.state().answers.replace(rules)
    }

    #[must_use]
    pub fn answers(&self) -> Vec<AnswerRule> {
        self.state().answers.rules()
    }

    /// Replaces what is wrong with certificates.
    pub fn set_certificates(&self, rules: Vec<CertificateRule>) {
        self.tls.replace(rules);
    }

    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateRule> {
        self.tls.rules()
    }

    /// The root certificate that a client of edge and origin trusts, as PEM. `None` if no key could be made.
    #[must_use]
    pub fn root_certificate(&self) -> Option<String> {
        self.tls.root_pem()
    }

    /// Replaces the state of the account and what it is not allowed to do.
    pub fn set_account(&self, setup: AccountSetup) {
        self.state().account.replace(setup);
    }

    #[must_use]
    pub fn account(&self) -> AccountSetup {
        self.state().account.setup()
    }
}
