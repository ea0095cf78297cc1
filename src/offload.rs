//! Runs large work so that it does not delay small work on the same thread.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// From so many targets, or bytes of JSON, the work takes a millisecond or more.
pub const LARGE_JOB_TARGETS: usize = 2_000;
pub const LARGE_BODY_BYTES: usize = 128 * 1024;

/// Large work that runs at once: one for each core, because more would only compete for the cores.
static PERMITS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get)));

/// Does the work. If it is large, the other tasks of this worker thread move to another thread, which costs some tens of
/// microseconds.
pub async fn offload_if_large<T>(is_large: bool, work: impl FnOnce() -> T) -> T {
    if !is_large {
        return work();
    }
    // The semaphore is never closed.
    let _permit = PERMITS.acquire().await;
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        // There is no other thread.
        _ => work(),
    }
}
