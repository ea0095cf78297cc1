//! The connection to a cloud, which can be cut: the real client, sent to a port on which nothing listens.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use refreshd::clock::ManualClock;
use refreshd::domain::{ItemOperation, Lane, PoolName, PoolReading, Target};
use refreshd::provider::tencent::{CredentialProvider, Credentials, TencentCdn, TencentOptions};
use refreshd::provider::{
    ApiAction, CallLimiter, Capabilities, DomainDetail, DomainFacts, DomainQuery, FindQuery, ListedTask, Provider,
    ReadError, SubmitOutcome, TaskProgress, TaskQuery,
};
use refreshd::sandbox::Credential;
use secrecy::SecretString;

/// A port on which nothing listens: the reserved one for multiplexers.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

pub(super) struct Line {
    credential: Credential,
    clock: ManualClock,
    cloud: TencentCdn,
    /// Created at first use, because creating a client takes a moment.
    nobody: OnceLock<TencentCdn>,
    trouble: LineTrouble,
}

/// The faults of a connection. Shared with the test that sets them.
#[derive(Clone, Default)]
pub(super) struct LineTrouble {
    pub(super) is_cut: Arc<AtomicBool>,
    /// The next call panics after it was answered.
    pub(super) breaks_off: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(api: SocketAddr, credential: &Credential, clock: &ManualClock, trouble: LineTrouble) -> Self {
        let cloud = client(api, credential, clock);
        Self { credential: credential.clone(), clock: clock.clone(), cloud, nobody: OnceLock::new(), trouble }
    }

    fn may_break_off(&self) {
        assert!(!self.trouble.breaks_off.swap(false, Ordering::Relaxed), "scripted: the call breaks off");
    }

    fn other_end(&self) -> &TencentCdn {
        if self.trouble.is_cut.load(Ordering::Relaxed) {
            self.nobody.get_or_init(|| client(NOBODY, &self.credential, &self.clock))
        } else {
            &self.cloud
        }
    }
}

fn client(address: SocketAddr, credential: &Credential, clock: &ManualClock) -> TencentCdn {
    let key = SecretString::from(credential.secret_key.clone());
    let options = TencentOptions {
        endpoint: format!("http://{address}").parse().expect("a URL"),
        keys: CredentialProvider::from_pair(
            Credentials::new(credential.secret_id.clone(), key, None).expect("a key pair"),
        ),
        clock: Arc::new(clock.clone()),
    };
    TencentCdn::new(options).expect("a client")
}

#[async_trait]
impl Provider for Line {
    fn capabilities(&self) -> &Capabilities {
        self.cloud.capabilities()
    }

    fn tasks_action(&self, operation: ItemOperation) -> ApiAction {
        self.cloud.tasks_action(operation)
    }

    fn submit_action(&self, lane: &Lane) -> ApiAction {
        self.cloud.submit_action(lane)
    }

    fn pools(&self, lane: &Lane) -> Vec<PoolName> {
        self.cloud.pools(lane)
    }

    async fn submit(&self, lane: &Lane, targets: &[Target]) -> SubmitOutcome {
        let answer = self.other_end().submit(lane, targets).await;
        self.may_break_off();
        answer
    }

    async fn task_progress(&self, task: &TaskQuery, turnstile: &dyn CallLimiter) -> Result<TaskProgress, ReadError> {
        let progress = self.other_end().task_progress(task, turnstile).await;
        self.may_break_off();
        progress
    }

    async fn completed_targets(
        &self,
        task: &TaskQuery,
        turnstile: &dyn CallLimiter,
    ) -> Result<BTreeSet<String>, ReadError> {
        self.other_end().completed_targets(task, turnstile).await
    }

    async fn find_tasks(&self, query: &FindQuery, turnstile: &dyn CallLimiter) -> Result<Vec<ListedTask>, ReadError> {
        let listed = self.other_end().find_tasks(query, turnstile).await;
        self.may_break_off();
        listed
    }

    async fn quota(
        &self,
        operation: ItemOperation,
        turnstile: &dyn CallLimiter,
    ) -> Result<Vec<PoolReading>, ReadError> {
        let readings = self.other_end().quota(operation, turnstile).await;
        self.may_break_off();
        readings
    }

    async fn domains(
        &self,
        query: &DomainQuery,
        detail: DomainDetail,
        turnstile: &dyn CallLimiter,
    ) -> Result<Vec<DomainFacts>, ReadError> {
        self.other_end().domains(query, detail, turnstile).await
    }
}
