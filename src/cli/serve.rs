//! `refreshd serve`: builds the daemon from its configuration and runs it until it is told to stop. The one place that
//! names the concrete store and provider.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::arguments::ServeArguments;
use super::doors::{FiguresDoor, door, listen, pages, sandbox_accounts, warn_of_a_closed_door};
use super::{exit, signals, terminal};
use crate::api::server::{self, Limits};
use crate::api::{self, Figures};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Ceiling, Config, ConfigFault, ProviderKind};
use crate::diagnose::{Beat, Diagnose, Diagnoser, Equipment, Patrol};
use crate::domain::{AccountName, Reserve};
use crate::engine::{Account, Accounts, Board, Engine, Outlook, Parts, Patience, VerifyPolicy};
use crate::probe::{Guard, NetProber, Prober, Surroundings};
use crate::provider::tencent::{Credentials, CredentialsFault, KeyRing, Options, Places, TencentCdn};
use crate::provider::{Allowance, Turnstile};
use crate::store::sqlite::{OpenError, SqliteStore};
use crate::store::{Store, StoreError};
use crate::telemetry::{self, Format, chain};
use crate::wake::Wakes;

/// How long open requests may take when the daemon stops.
pub(super) const REQUEST_GRACE: Duration = Duration::from_secs(10);
/// How long the database may take to commit what it was given.
const STORE_GRACE: Duration = Duration::from_secs(10);

/// Why the daemon does not start.
#[derive(Debug, Error)]
pub enum StartFault {
    #[error(transparent)]
    Config(#[from] ConfigFault),
    #[error("{0}")]
    Setting(String),
    /// The setting is good, but cannot be had at this moment.
    #[error("{0}")]
    Busy(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the database could not be taken up again")]
    Store(#[from] StoreError),
}

impl StartFault {
    /// The exit code of the contract: 65 damaged or newer, 75 owned by another, 78 bad configuration. Everything that may
    /// pass by itself is none of these but 74 (`EX_IOERR`): the service manager starts us again.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Open(OpenError::Owned(_)) => 75,
            Self::Open(OpenError::Newer { .. } | OpenError::Damaged { .. }) => 65,
            Self::Config(_) | Self::Setting(_) | Self::Open(OpenError::Unusable { .. }) => 78,
            Self::Busy(_) | Self::Open(OpenError::Failed { .. }) | Self::Store(_) => 74,
        }
    }
}

/// Runs the daemon until SIGTERM or SIGINT. A second signal ends it at once.
pub(super) async fn run(arguments: &ServeArguments) -> ExitCode {
    // A second subscriber is no reason not to start.
    let _ = telemetry::init(Format::of_stderr(), telemetry::FILTER_DEFAULT);
    let started = async {
        let config = Config::load(arguments.file.config.as_deref(), config::environment(), ceiling)?;
        Daemon::start(&config, Arc::new(SystemClock::default())).await
    };
    let daemon = match started.await {
        Ok(daemon) => daemon,
        Err(fault) => {
            terminal::note(&format!("refreshd does not start:\n{}", chain(&fault)));
            return ExitCode::from(fault.exit_code());
        }
    };
    tokio::select! {
        () = signals::told_to_stop() => {}
        () = daemon.broken() => {
            terminal::note("refreshd ends because a part of it broke off; its log tells why, and the next start takes the work up");
            return ExitCode::from(exit::BROKEN);
        }
    }
    tracing::info!("stopping: nothing new is accepted, open calls are finished");
    tokio::select! {
        () = daemon.stop() => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        () = signals::told_to_stop() => {
            tracing::warn!("stopped at once; the next start asks the provider about open calls");
            ExitCode::from(exit::INTERRUPTED)
        }
    }
}

/// A running daemon.
pub struct Daemon {
    pub address: SocketAddr,
    engine: Engine,
    server: JoinHandle<()>,
    figures: Option<FiguresDoor>,
    patrol: JoinHandle<()>,
    store: Arc<dyn Store>,
    draining: CancellationToken,
    engine_shutdown: CancellationToken,
    server_shutdown: CancellationToken,
}

impl Daemon {
    /// Opens the database, takes up the work and opens the door.
    ///
    /// # Errors
    /// A setting that cannot work, or a database that cannot be used.
    pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartFault> {
        Self::assemble(config, clock, None).await
    }

    /// The same with a diagnoser from outside.
    ///
    /// # Errors
    /// As above.
    pub async fn start_with(
        config: &Config,
        clock: Arc<dyn Clock>,
        diagnoser: Arc<dyn Diagnose>,
    ) -> Result<Self, StartFault> {
        Self::assemble(config, clock, Some(diagnoser)).await
    }

    async fn assemble(
        config: &Config,
        clock: Arc<dyn Clock>,
        diagnoser: Option<Arc<dyn Diagnose>>,
    ) -> Result<Self, StartFault> {
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.store.path).await?);
        let (listener, address) = listen("server.listen", config.server.listen).await?;
        let for_figures = match config.metrics.listen {
            Some(address) => Some(listen("metrics.listen", address).await?),
            None => None,
        };
        let parts = Parts {
            store: store.clone(),
            accounts: accounts(config, &clock).await?,
            prober: prober(config, &clock)?,
            verify: Arc::new(verify_policy(config)),
            board: Arc::new(Board::default()),
            wakes: Wakes::default(),
            clock,
            patience: patience(config),
        };
        let (draining, engine_shutdown, server_shutdown) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let outlook = Arc::new(Outlook::new(parts.accounts.clone(), Arc::new(config.routes.clone())));
        let diagnoser = diagnoser.unwrap_or_else(|| {
            Arc::new(Diagnoser::new(parts.prober.clone(), parts.clock.clone())) as Arc<dyn Diagnose>
        });
        let patrol = Arc::new(patrol(
            config,
            &parts.accounts,
            outlook.clone(),
            diagnoser.clone(),
            Some(store.clone()),
            &parts.clock,
        ));
        let api = door(config, &parts, outlook, diagnoser, patrol.clone(), &draining);
        let pages = pages(&api);
        let figures = Figures { service: api.service.clone(), desk: api.desk.clone() };
        let front = api::front(api, pages);
        warn_of_a_closed_door(config, &parts.store).await?;
        let engine = Engine::start(parts, &engine_shutdown).await?;
        let serve = server::serve(listener, front, Limits::default(), REQUEST_GRACE, server_shutdown.clone());
        let server = tokio::spawn(serve);
        let figures = for_figures.map(|at| FiguresDoor::open(at, figures, &server_shutdown));
        let patrol = tokio::spawn(walk(patrol, config.patrol.every, engine_shutdown.clone()));
        let sandboxed = sandbox_accounts(config);
        if !sandboxed.is_empty() {
            tracing::warn!(accounts = %sandboxed.join(", "), "these accounts talk to a simulated cloud");
        }
        tracing::info!(address = %address, database = %config.store.path.display(), "refreshd is listening");
        Ok(Self { address, engine, server, figures, patrol, store, draining, engine_shutdown, server_shutdown })
    }

    /// Where metrics are served without a token, if they are.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.figures.as_ref().map(|figures| figures.address)
    }

    /// Returns when a part of the engine ended that was not told to.
    pub async fn broken(&self) {
        self.engine.broken.cancelled().await;
    }

    /// Stops in the order in which work flows: accept nothing, finish open calls, answer open requests, commit.
    pub async fn stop(self) {
        self.draining.cancel();
        self.engine_shutdown.cancel();
        self.engine.finished().await;
        if let Err(error) = self.patrol.await {
            tracing::error!(%error, "the patrol broke off");
        }
        self.server_shutdown.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the HTTP server broke off");
        }
        if let Some(figures) = self.figures {
            figures.closed().await;
        }
        self.store.drain(STORE_GRACE).await;
    }
}

/// The most that a provider allows, for a configuration to stay below.
#[must_use]
pub fn ceiling(provider: ProviderKind) -> Ceiling {
    let (pace, batch_targets) = match provider {
        ProviderKind::TencentCdn => TencentCdn::limits().most(),
    };
    Ceiling { calls_per_second: pace.0, batch_targets }
}

async fn accounts(config: &Config, clock: &Arc<dyn Clock>) -> Result<Accounts, StartFault> {
    let mut accounts: BTreeMap<AccountName, Arc<Account>> = BTreeMap::new();
    let reserve = Reserve(config.quota.reserve);
    for (name, account) in &config.accounts {
        let keys = keys(account, clock).await.map_err(|fault| {
            let said = format!("accounts.{name}: {}", chain(&fault));
            // A metadata service that does not answer may only be slower to start than we are.
            if fault.may_pass() { StartFault::Busy(said) } else { StartFault::Setting(said) }
        })?;
        let options = Options { endpoint: account.endpoint.clone(), keys, clock: clock.clone() };
        let provider = TencentCdn::new(options)
            .map_err(|fault| StartFault::Setting(format!("accounts.{name}: {}", chain(&fault))))?
            .within(Allowance { rate: account.rate, batch: account.batch });
        let account = Account::new(name.clone(), Arc::new(provider), reserve, clock.clone());
        accounts.insert(
            name.clone(),
            Arc::new(account.promoting(config.promote.clone()).sharing(config.quota.shares.clone())),
        );
    }
    Ok(Arc::new(accounts))
}

async fn keys(account: &config::Account, clock: &Arc<dyn Clock>) -> Result<KeyRing, CredentialsFault> {
    use secrecy::ExposeSecret;
    match &account.credentials {
        Some(pair) => {
            let (id, key) = (pair.secret_id.expose_secret().to_owned(), pair.secret_key.clone());
            Credentials::new(id, key, None).map(KeyRing::given)
        }
        None => KeyRing::search(&Places::of_this_machine(), clock.now()).await,
    }
}

fn prober(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Prober>, StartFault> {
    let guard = Guard::new(config.probe.allow.clone());
    let roots = config.probe.ca_file.as_ref().map(|file| file.roots.clone()).unwrap_or_default();
    let surroundings = Surroundings { resolvers: config.probe.resolver.clone(), roots };
    let prober = NetProber::new(guard, &surroundings, clock.clone())
        .map_err(|fault| StartFault::Setting(format!("probe.ca_file: {}", chain(&fault))))?;
    Ok(Arc::new(prober))
}

fn verify_policy(config: &Config) -> VerifyPolicy {
    let verify = &config.verify;
    VerifyPolicy {
        edges: named_edges(config),
        origins: config.probe.origins.clone(),
        directories: verify.directories.clone(),
        sample: verify.sample,
        grace: verify.grace,
        repurge: verify.repurge,
    }
}

/// Where hosts' edges are looked at instead of where DNS says.
fn named_edges(config: &Config) -> BTreeMap<String, Vec<SocketAddr>> {
    let mut edges: BTreeMap<_, _> =
        config.probe.edges.iter().map(|(host, address)| (host.clone(), vec![*address])).collect();
    edges.extend(config.verify.edges.clone());
    edges
}

/// The first of each, since a diagnosis explains what one visitor meets.
pub(super) fn diagnosed_edges(config: &Config) -> BTreeMap<String, SocketAddr> {
    named_edges(config).into_iter().filter_map(|(host, edges)| Some((host, *edges.first()?))).collect()
}

fn patience(config: &Config) -> Patience {
    Patience {
        poll_first: config.engine.poll_first,
        poll_max: config.engine.poll_max,
        listing_grace: config.engine.listing_grace,
        task_max_purge: config.engine.task_max_purge,
        task_max_prefetch: config.engine.task_max_prefetch,
        verify_deadline: config.verify.deadline,
        idempotency_keep: config.idempotency.keep,
    }
}

async fn walk(patrol: Arc<Patrol>, every: Duration, shutdown: CancellationToken) {
    patrol.run(every, shutdown).await;
}

/// A patrol without a daemon.
///
/// # Errors
/// A setting that cannot work.
pub(super) async fn patrol_alone(config: &Config, clock: Arc<dyn Clock>) -> Result<Patrol, StartFault> {
    let accounts = accounts(config, &clock).await?;
    let outlook = Arc::new(Outlook::new(accounts.clone(), Arc::new(config.routes.clone())));
    let diagnoser = Arc::new(Diagnoser::new(prober(config, &clock)?, clock.clone()));
    Ok(patrol(config, &accounts, outlook, diagnoser, None, &clock))
}

fn patrol(
    config: &Config,
    accounts: &Accounts,
    standings: Arc<Outlook>,
    diagnoser: Arc<dyn Diagnose>,
    store: Option<Arc<dyn Store>>,
    clock: &Arc<dyn Clock>,
) -> Patrol {
    let beat = |(name, account): (&AccountName, &Arc<Account>)| Beat {
        name: name.clone(),
        provider: account.provider(),
        turnstile: account.clone() as Arc<dyn Turnstile>,
    };
    Patrol::new(Equipment {
        beats: accounts.iter().map(beat).collect(),
        routes: Arc::new(config.routes.clone()),
        standings,
        diagnoser,
        store,
        clock: clock.clone(),
        edges: diagnosed_edges(config),
        origins: config.probe.origins.clone(),
    })
}
