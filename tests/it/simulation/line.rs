//! The line to a cloud, which can be cut: the real client all the same, but one that finds nobody listening.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use refreshd::clock::ManualClock;
use refreshd::domain::{ItemOperation, Lane, PoolName, PoolReading, Target};
use refreshd::provider::tencent::{Credentials, KeyRing, Options, TencentCdn};
use refreshd::provider::{
    Answer, Capabilities, DomainDetail, DomainFacts, DomainQuery, FindQuery, ListedTask, Meter, Progress, Provider,
    ReadFault, TaskQuery, Turnstile,
};
use refreshd::sandbox::Credential;
use secrecy::SecretString;

/// Where nobody listens: the reserved port for multiplexers.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

pub(super) struct Line {
    credential: Credential,
    clock: ManualClock,
    cloud: TencentCdn,
    /// Made when it is first needed, because a client takes a moment to make.
    nobody: OnceLock<TencentCdn>,
    is_cut: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(api: SocketAddr, credential: &Credential, clock: &ManualClock, is_cut: Arc<AtomicBool>) -> Self {
        let cloud = client(api, credential, clock);
        Self { credential: credential.clone(), clock: clock.clone(), cloud, nobody: OnceLock::new(), is_cut }
    }

    fn other_end(&self) -> &TencentCdn {
        if self.is_cut.load(Ordering::Relaxed) {
            self.nobody.get_or_init(|| client(NOBODY, &self.credential, &self.clock))
        } else {
            &self.cloud
        }
    }
}

fn client(address: SocketAddr, credential: &Credential, clock: &ManualClock) -> TencentCdn {
    let key = SecretString::from(credential.secret_key.clone());
    let options = Options {
        endpoint: format!("http://{address}").parse().expect("a URL"),
        keys: KeyRing::given(Credentials::new(credential.secret_id.clone(), key, None).expect("a key pair")),
        clock: Arc::new(clock.clone()),
    };
    TencentCdn::new(options).expect("a client")
}

#[async_trait]
impl Provider for Line {
    fn capabilities(&self) -> &Capabilities {
        self.cloud.capabilities()
    }

    fn submit_meter(&self, lane: &Lane) -> Meter {
        self.cloud.submit_meter(lane)
    }

    fn pools(&self, lane: &Lane) -> Vec<PoolName> {
        self.cloud.pools(lane)
    }

    async fn submit(&self, lane: &Lane, targets: &[Target]) -> Answer {
        self.other_end().submit(lane, targets).await
    }

    async fn look(&self, task: &TaskQuery, turnstile: &dyn Turnstile) -> Result<Progress, ReadFault> {
        self.other_end().look(task, turnstile).await
    }

    async fn done(&self, task: &TaskQuery, turnstile: &dyn Turnstile) -> Result<BTreeSet<String>, ReadFault> {
        self.other_end().done(task, turnstile).await
    }

    async fn find(&self, query: &FindQuery, turnstile: &dyn Turnstile) -> Result<Vec<ListedTask>, ReadFault> {
        self.other_end().find(query, turnstile).await
    }

    async fn quota(&self, operation: ItemOperation, turnstile: &dyn Turnstile) -> Result<Vec<PoolReading>, ReadFault> {
        self.other_end().quota(operation, turnstile).await
    }

    async fn domains(
        &self,
        query: &DomainQuery,
        detail: DomainDetail,
        turnstile: &dyn Turnstile,
    ) -> Result<Vec<DomainFacts>, ReadFault> {
        self.other_end().domains(query, detail, turnstile).await
    }
}
