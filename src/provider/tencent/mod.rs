//! Tencent Cloud CDN (product `cdn`, API version 2018-06-06) behind the provider trait. What its pages leave open, and
//! how each answer is survived, stands in `docs/unconfirmed.md`.

mod answer;
mod cdn;
mod client;
mod codes;
mod credentials;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod faults_tls;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guide;
#[cfg(test)]
mod scripted;
mod sign;
mod skew;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Certificate;
use thiserror::Error;
use url::Url;

pub use credentials::{Credentials, CredentialsFault, KeyRing, Places};
pub use guide::GUIDE;

use self::client::Client;
use crate::clock::Clock;
use crate::domain::{ItemOperation, Lane, PoolName, PoolReading, Target};
use crate::provider::{
    Allowance, Answer, Capabilities, DomainDetail, DomainFacts, DomainQuery, FindQuery, ListedTask, Meter, Progress,
    Provider, ReadFault, TaskQuery, Turnstile,
};

/// What a client is made of.
pub struct Options {
    /// `https://cdn.tencentcloudapi.com/`, its international or regional sisters, or a sandbox; never with a path.
    pub endpoint: Url,
    pub keys: KeyRing,
    pub clock: Arc<dyn Clock>,
}

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupFault {
    #[error("the endpoint at {endpoint:?} cannot be used: {reason}")]
    Endpoint { endpoint: String, reason: &'static str },
    #[error("no TLS client could be made: {0}; are the system's CA certificates installed (package ca-certificates)?")]
    Tls(String),
}

/// One account of Tencent Cloud CDN.
pub struct TencentCdn {
    client: Client,
    capabilities: Capabilities,
}

impl TencentCdn {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// If the endpoint is not a bare origin, or the machine has no CA certificates to check it by.
    pub fn new(options: Options) -> Result<Self, SetupFault> {
        Self::made(options, &client::PATIENCE, Vec::new())
    }

    /// `trusted` stands in for the machine's certificate authorities, if there is any.
    fn made(options: Options, patience: &client::Patience, trusted: Vec<Certificate>) -> Result<Self, SetupFault> {
        let capabilities = Capabilities { call_max: patience.call_max(), ..cdn::CAPABILITIES };
        Ok(Self { client: Client::new(options, patience, trusted)?, capabilities })
    }

    /// The same, asked less of than the provider allows.
    #[must_use]
    pub fn within(mut self, allowance: Allowance) -> Self {
        self.capabilities.allowance = allowance;
        self
    }

    /// The provider's own limits.
    #[must_use]
    pub const fn limits() -> &'static Capabilities {
        &cdn::CAPABILITIES
    }
}

#[async_trait]
impl Provider for TencentCdn {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn submit_meter(&self, lane: &Lane) -> Meter {
        cdn::submit::meter(lane)
    }

    fn pools(&self, lane: &Lane) -> Vec<PoolName> {
        cdn::quota::pools(lane)
    }

    async fn submit(&self, lane: &Lane, targets: &[Target]) -> Answer {
        cdn::submit::submit(&self.client, lane, targets).await
    }

    async fn look(&self, task: &TaskQuery, turnstile: &dyn Turnstile) -> Result<Progress, ReadFault> {
        cdn::tasks::look(&cdn::Reader { client: &self.client, turnstile }, task).await
    }

    async fn done(&self, task: &TaskQuery, turnstile: &dyn Turnstile) -> Result<BTreeSet<String>, ReadFault> {
        cdn::tasks::done(&cdn::Reader { client: &self.client, turnstile }, task).await
    }

    async fn find(&self, query: &FindQuery, turnstile: &dyn Turnstile) -> Result<Vec<ListedTask>, ReadFault> {
        cdn::find::find(&cdn::Reader { client: &self.client, turnstile }, query).await
    }

    async fn quota(&self, operation: ItemOperation, turnstile: &dyn Turnstile) -> Result<Vec<PoolReading>, ReadFault> {
        cdn::quota::quota(&cdn::Reader { client: &self.client, turnstile }, operation).await
    }

    async fn domains(
        &self,
        query: &DomainQuery,
        detail: DomainDetail,
        turnstile: &dyn Turnstile,
    ) -> Result<Vec<DomainFacts>, ReadFault> {
        cdn::domains::domains(&cdn::Reader { client: &self.client, turnstile }, query, detail).await
    }

    fn skew_millis(&self) -> Option<i64> {
        self.client.skew_millis()
    }

    fn call_sample(&self, lane: &Lane, target: &Target) -> Option<String> {
        cdn::submit::sample(&self.client, lane, target)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;
    use crate::clock::SystemClock;

    fn built(endpoint: &str) -> Result<TencentCdn, SetupFault> {
        let credentials = Credentials::new("AKIDx".to_owned(), SecretString::from("hush"), None).expect("well formed");
        let endpoint = endpoint.parse().expect("a URL");
        TencentCdn::new(Options {
            endpoint,
            keys: KeyRing::given(credentials),
            clock: Arc::new(SystemClock::default()),
        })
    }

    #[test]
    fn an_endpoint_is_a_bare_origin() {
        assert!(built("http://127.0.0.1:4000").is_ok());
        for bad in
            ["ftp://h.example/", "https://me:hush@h.example/", "https://h.example/v2", "https://h.example/?a", "data:x"]
        {
            let fault = built(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(matches!(fault, SetupFault::Endpoint { .. }) && !fault.to_string().contains("hush"), "{fault}");
        }
    }

    #[test]
    fn the_day_turns_and_calls_leave_as_the_provider_documents() {
        let client = built("http://127.0.0.1:4000/").expect("a client");
        let limits = client.capabilities();
        assert_eq!(limits.pace(Meter("PurgeUrlsCache")).0, 20);
        // 2026-11-22 16:00 UTC is midnight there.
        let midnight = scripted::NOW;
        assert_eq!(limits.day.next_reset(midnight - Duration::from_secs(1)), midnight);
    }
}
