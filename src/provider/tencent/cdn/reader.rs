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
        meter: ApiAction,
        parameters: &(impl Serialize + Sync),
    ) -> Result<A, ReadError> {
        self.limiter.acquire(meter).await;
        let _pass = CallPass { limiter: self.limiter, meter };
        let answer = self.client.call(meter.0, parameters).await;
        let answer = answer.map(|reply| reply.fields).map_err(error_codes::read_fault);
        if matches!(answer, Err(ReadError::Throttled(_))) {
            self.limiter.on_throttled(meter);
        }
        answer
    }
}

/// A token in use: given back however the call ends, also if nobody waits for it any more.
struct CallPass<'a> {
    limiter: &'a dyn CallLimiter,
    meter: ApiAction,
}

impl Drop for CallPass<'_> {
    fn drop(&mut self) {
        self.limiter.release(self.meter);
    }
}
