//! The read calls, each of which waits for a token of the call rate.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::provider::tencent::client::TencentClient;
use crate::provider::tencent::error_codes;
use crate::provider::{ApiAction, CallLimiter, ReadError};

/// Makes the read calls, each behind the turnstile.
pub(in super::super) struct CdnReader<'a> {
    pub(in super::super) client: &'a TencentClient,
    pub(in super::super) limiter: &'a dyn CallLimiter,
}

impl CdnReader<'_> {
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        action: ApiAction,
        parameters: &(impl Serialize + Sync),
    ) -> Result<A, ReadError> {
        self.limiter.acquire(action).await;
        let _pass = CallPass { limiter: self.limiter, action };
        let response = self.client.call(action.0, parameters).await;
        let response = response.map(|reply| reply.fields).map_err(error_codes::read_error);
        if matches!(response, Err(ReadError::Throttled(_))) {
            self.limiter.on_throttled(action);
        }
        response
    }
}

/// A token in use: given back however the call ends, also if nobody waits for it any more.
struct CallPass<'a> {
    limiter: &'a dyn CallLimiter,
    action: ApiAction,
}

impl Drop for CallPass<'_> {
    fn drop(&mut self) {
        self.limiter.release(self.action);
    }
}
