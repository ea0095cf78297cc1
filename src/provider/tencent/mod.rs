//! Tencent Cloud CDN (product `cdn`, API version 2018-06-06) behind the provider trait. What its pages leave open, and
//! how each answer is survived, stands in `docs/unconfirmed.md`.

mod cdn;
mod client;
mod credentials;
mod error_codes;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod options;
mod response;
mod sign;
mod skew;
#[cfg(test)]
mod tests;
mod vendor_reference;
mod wire;

use std::collections::BTreeSet;

use async_trait::async_trait;
use reqwest::Certificate;

pub use credentials::{CredentialProvider, CredentialSources, Credentials, CredentialsError};
pub use options::{SetupError, TencentOptions};
pub use vendor_reference::VENDOR_REFERENCE;

use self::client::TencentClient;
use crate::domain::{ItemOperation, Lane, PoolName, PoolReading, Target};
use crate::provider::{
    ApiAction, CallLimiter, Capabilities, DomainDetail, DomainFacts, DomainQuery, FindQuery, ListedTask,
    OperatorLimits, Provider, ReadError, SubmitOutcome, TaskProgress, TaskQuery,
};

/// One account of Tencent Cloud CDN.
pub struct TencentCdn {
    client: TencentClient,
    capabilities: Capabilities,
}

impl TencentCdn {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// If the endpoint is not a bare origin, or the machine has no CA certificates to check it by.
    pub fn new(options: TencentOptions) -> Result<Self, SetupError> {
        Self::build(options, &client::TIMEOUTS, Vec::new())
    }

    /// `trusted` stands in for the machine's certificate authorities, if there is any.
    fn build(
        options: TencentOptions,
        timeouts: &client::CallTimeouts,
        trusted: Vec<Certificate>,
    ) -> Result<Self, SetupError> {
        let capabilities = Capabilities { call_max: timeouts.call_max(), ..cdn::CAPABILITIES };
        Ok(Self { client: TencentClient::new(options, timeouts, trusted)?, capabilities })
    }

    /// The same, asked less of than the provider allows.
    #[must_use]
    pub fn within(mut self, operator_limits: OperatorLimits) -> Self {
        self.capabilities.operator_limits = operator_limits;
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

    fn submit_action(&self, lane: &Lane) -> ApiAction {
        cdn::submit::action(lane)
    }

    fn tasks_action(&self, operation: ItemOperation) -> ApiAction {
        cdn::history::action(operation)
    }

    fn pools(&self, lane: &Lane) -> Vec<PoolName> {
        cdn::quota::pools(lane)
    }

    async fn submit(&self, lane: &Lane, targets: &[Target]) -> SubmitOutcome {
        cdn::submit::submit(&self.client, lane, targets).await
    }

    async fn task_progress(&self, task: &TaskQuery, limiter: &dyn CallLimiter) -> Result<TaskProgress, ReadError> {
        cdn::tasks::progress(&cdn::reader::CdnReader { client: &self.client, limiter }, task).await
    }

    async fn completed_targets(
        &self,
        task: &TaskQuery,
        limiter: &dyn CallLimiter,
    ) -> Result<BTreeSet<String>, ReadError> {
        cdn::tasks::completed_targets(&cdn::reader::CdnReader { client: &self.client, limiter }, task).await
    }

    async fn find_tasks(&self, query: &FindQuery, limiter: &dyn CallLimiter) -> Result<Vec<ListedTask>, ReadError> {
        cdn::find_lost_task::find_tasks(&cdn::reader::CdnReader { client: &self.client, limiter }, query).await
    }

    async fn quota(&self, operation: ItemOperation, limiter: &dyn CallLimiter) -> Result<Vec<PoolReading>, ReadError> {
        cdn::quota::quota(&cdn::reader::CdnReader { client: &self.client, limiter }, operation).await
    }

    async fn domains(
        &self,
        query: &DomainQuery,
        detail: DomainDetail,
        limiter: &dyn CallLimiter,
    ) -> Result<Vec<DomainFacts>, ReadError> {
        cdn::domains::domains(&cdn::reader::CdnReader { client: &self.client, limiter }, query, detail).await
    }

    fn skew_millis(&self) -> Option<i64> {
        self.client.skew_millis()
    }

    fn call_sample(&self, lane: &Lane, target: &Target) -> Option<String> {
        cdn::submit::sample(&self.client, lane, target)
    }
}
