//! The CDN product's actions: what each asks, what its answer means, and the limits they share.

mod domain_facts;
pub(super) mod domains;
pub(super) mod find_lost_task;
pub(super) mod history;
pub(super) mod quota;
pub(super) mod reader;
pub(super) mod submit;
pub(super) mod tasks;
mod utc8;
mod wire;

use std::time::Duration;

use crate::domain::{ItemOperation, Mode, RateLimit, ServiceDay, TargetKind};
use crate::provider::{BatchRefusal, Capabilities, OperatorLimits, StatusSource, SupportedOperation, TaskLookup};

/// "Request Structure": a JSON body has at most 10 MB. The rest is kept for keys, quotes and commas.
const BODY_TARGETS_BYTES_MAX: usize = 10_000_000 - 64 * 1024;

pub(super) const CAPABILITIES: Capabilities = Capabilities {
    offers: &[
        // "At most 1,000 per call", on the page of PurgeUrlsCache; the quota answer may name less.
        offer(ItemOperation::Purge, TargetKind::Url, &[], 1_000),
        offer(ItemOperation::Purge, TargetKind::Directory, &[Mode::Delete, Mode::Invalidate], 500),
        offer(ItemOperation::Prefetch, TargetKind::Url, &[], 500),
    ],
    // "20 requests per second", on each action's own page.
    pace: RateLimit(20),
    paces: &[],
    // "Quota management": every quota is reset at 00:00 UTC+8.
    day: ServiceDay::east_of_utc(8),
    // The client's own patience decides; it is filled in where the client is made.
    call_max: Duration::ZERO,
    status: StatusSource::Rows,
    // Whole seconds in the list, whole seconds in `Date`, and a clock that is corrected only by what `Date` said last.
    lookup: TaskLookup::ByWindow { slack: Duration::from_secs(90) },
    batch_refusal: BatchRefusal::AllOrNothing,
    operator_limits: OperatorLimits { rate: None, batch: None },
    // "Prefetch": nodes fetch with this agent.
    origin_agent: "TencentCdn",
};

/// A row is `done` when the nodes have it, so probes need not wait.
const fn offer(
    operation: ItemOperation,
    kind: TargetKind,
    modes: &'static [Mode],
    targets_max: u32,
) -> SupportedOperation {
    SupportedOperation {
        operation,
        kind,
        modes,
        targets_max,
        bytes_max: BODY_TARGETS_BYTES_MAX,
        effect_after: Duration::ZERO,
    }
}
