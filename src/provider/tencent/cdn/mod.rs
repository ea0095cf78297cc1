//! The CDN product's actions: what each asks, what its answer means, and the limits they share.

pub(super) mod find;
mod history;
pub(super) mod quota;
pub(super) mod submit;
pub(super) mod tasks;
mod wire;
mod zone;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::codes;
use crate::domain::{PaceLimit, ServiceDay};
use crate::provider::{Limits, Meter, ReadFault, Turnstile};

pub(super) const LIMITS: Limits = Limits {
    // "20 requests per second", on each action's own page.
    pace: PaceLimit(20),
    // "Request Structure": a JSON body has at most 10 MB. The rest is kept for keys, quotes and commas.
    batch_bytes_max: 10_000_000 - 64 * 1024,
    // "Quota management": every quota is reset at 00:00 UTC+8.
    day: ServiceDay::east_of_utc(8),
};

/// Makes the read calls, each behind the turnstile.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) turnstile: &'a dyn Turnstile,
}

impl Reader<'_> {
    async fn call<A: DeserializeOwned>(
        &self,
        meter: Meter,
        parameters: &(impl Serialize + Sync),
    ) -> Result<A, ReadFault> {
        self.turnstile.enter(meter).await;
        let _pass = Pass { turnstile: self.turnstile, meter };
        let answer = self.client.call(meter.0, parameters).await;
        let answer = answer.map(|reply| reply.fields).map_err(codes::read_fault);
        if matches!(answer, Err(ReadFault::Throttled(_))) {
            self.turnstile.throttled(meter);
        }
        answer
    }
}

/// A token in use: given back however the call ends, also if nobody waits for it any more.
struct Pass<'a> {
    turnstile: &'a dyn Turnstile,
    meter: Meter,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.turnstile.leave(self.meter);
    }
}
