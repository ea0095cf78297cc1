//! Builds what the daemon consists of from its configuration. The only place that names the concrete provider.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::start_error::StartError;
use crate::clock::Clock;
use crate::config::{self, Config, ProviderKind, ProviderLimits};
use crate::diagnose::{Diagnose, Diagnoser, Monitor, MonitorDeps, MonitoredAccount};
use crate::domain::{AccountName, Reserve};
use crate::engine::{Account, Accounts, EngineStatus, EngineTimeouts, VerifyPolicy};
use crate::probe::{AddressPolicy, NetProber, Prober, ProberOptions};
use crate::provider::tencent::{
    CredentialProvider, CredentialSources, Credentials, CredentialsError, TencentCdn, TencentOptions,
};
use crate::provider::{CallLimiter, OperatorLimits};
use crate::random::Random;
use crate::store::Store;
use crate::telemetry::error_chain;

/// The highest limits that a provider allows; a configuration must not exceed them.
#[must_use]
pub fn provider_limits(provider: ProviderKind) -> ProviderLimits {
    let (rate, batch_targets) = match provider {
        ProviderKind::TencentCdn => TencentCdn::limits().highest_limits(),
    };
    ProviderLimits { calls_per_second: rate.0, batch_targets }
}

pub(super) async fn build_accounts(config: &Config, clock: &Arc<dyn Clock>) -> Result<Accounts, StartError> {
    let mut accounts: BTreeMap<AccountName, Arc<Account>> = BTreeMap::new();
    let reserve = Reserve(config.quota.reserve);
    for (name, account) in &config.accounts {
        let credentials = find_credentials(account, clock).await.map_err(|error| {
            let text = format!("accounts.{name}: {}", error_chain(&error));
            // A metadata service that does not answer may only need longer to start than the daemon.
            if error.may_pass() { StartError::Busy(text) } else { StartError::Setting(text) }
        })?;
        let options = TencentOptions { endpoint: account.endpoint.clone(), keys: credentials, clock: clock.clone() };
        let provider = TencentCdn::new(options)
            .map_err(|error| StartError::Setting(format!("accounts.{name}: {}", error_chain(&error))))?
            .within(OperatorLimits { rate: account.rate, batch: account.batch });
        let account = Account::new(name.clone(), Arc::new(provider), reserve, clock.clone());
        accounts.insert(
            name.clone(),
            Arc::new(account.with_promotion(config.promote.clone()).with_tenant_shares(config.quota.shares.clone())),
        );
    }
    Ok(Arc::new(accounts))
}

async fn find_credentials(
    account: &config::AccountConfig,
    clock: &Arc<dyn Clock>,
) -> Result<CredentialProvider, CredentialsError> {
    use secrecy::ExposeSecret;
    match &account.credentials {
        Some(pair) => {
            let (id, key) = (pair.secret_id.expose_secret().to_owned(), pair.secret_key.clone());
            Credentials::new(id, key, None).map(CredentialProvider::from_pair)
        }
        None => CredentialProvider::search(&CredentialSources::of_this_machine(), clock.now()).await,
    }
}

pub(super) fn build_prober(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Prober>, StartError> {
    let policy = AddressPolicy::new(config.probe.allow.clone());
    let roots = config.probe.ca_file.as_ref().map(|file| file.roots.clone()).unwrap_or_default();
    let options = ProberOptions { resolvers: config.probe.resolver.clone(), roots };
    let prober = NetProber::new(policy, &options, clock.clone())
        .map_err(|error| StartError::Setting(format!("probe.ca_file: {}", error_chain(&error))))?;
    Ok(Arc::new(prober))
}

pub(super) fn verify_policy(config: &Config) -> VerifyPolicy {
    let verify = &config.verify;
    VerifyPolicy {
        edges: configured_edges(config),
        origins: config.probe.origins.clone(),
        directories: verify.directories.clone(),
        sample: verify.sample,
        grace: verify.grace,
        repurge: verify.repurge,
    }
}

/// The addresses of hosts' edges that are probed instead of those from DNS.
pub(super) fn configured_edges(config: &Config) -> BTreeMap<String, Vec<SocketAddr>> {
    let mut edges: BTreeMap<_, _> =
        config.probe.edges.iter().map(|(host, address)| (host.clone(), vec![*address])).collect();
    edges.extend(config.verify.edges.clone());
    edges
}

/// The first address of each host: a diagnosis looks at one edge, as one visitor does.
pub(super) fn diagnosed_edges(config: &Config) -> BTreeMap<String, SocketAddr> {
    configured_edges(config).into_iter().filter_map(|(host, edges)| Some((host, *edges.first()?))).collect()
}

pub(super) fn engine_timeouts(config: &Config) -> EngineTimeouts {
    EngineTimeouts {
        poll_first: config.engine.poll_first,
        poll_max: config.engine.poll_max,
        listing_grace: config.engine.listing_grace,
        task_max_purge: config.engine.task_max_purge,
        task_max_prefetch: config.engine.task_max_prefetch,
        verify_deadline: config.verify.deadline,
        idempotency_keep: config.idempotency.keep,
    }
}

pub(super) async fn run_monitor(monitor: Arc<Monitor>, every: Duration, shutdown: CancellationToken) {
    monitor.run(every, shutdown).await;
}

/// A monitor without a daemon, for `refreshd doctor`.
///
/// # Errors
/// A setting that cannot work.
pub async fn standalone_monitor(config: &Config, clock: Arc<dyn Clock>) -> Result<Monitor, StartError> {
    let accounts = build_accounts(config, &clock).await?;
    let engine_status = Arc::new(EngineStatus::new(accounts.clone(), Arc::new(config.routes.clone())));
    let diagnoser = Arc::new(Diagnoser::new(build_prober(config, &clock)?, clock.clone()));
    Ok(build_monitor(config, &accounts, engine_status, diagnoser, None, &clock))
}

pub(super) fn build_monitor(
    config: &Config,
    accounts: &Accounts,
    engine_status: Arc<EngineStatus>,
    diagnoser: Arc<dyn Diagnose>,
    store: Option<Arc<dyn Store>>,
    clock: &Arc<dyn Clock>,
) -> Monitor {
    let monitored = |(name, account): (&AccountName, &Arc<Account>)| MonitoredAccount {
        name: name.clone(),
        provider: account.provider(),
        limiter: account.clone() as Arc<dyn CallLimiter>,
    };
    Monitor::new(MonitorDeps {
        accounts: accounts.iter().map(monitored).collect(),
        routes: Arc::new(config.routes.clone()),
        account_status: engine_status,
        diagnoser,
        store,
        clock: clock.clone(),
        random: Random::default(),
        edges: diagnosed_edges(config),
        origins: config.probe.origins.clone(),
    })
}
