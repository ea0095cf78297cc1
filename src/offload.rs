//! Large work beside small.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Targets from which handling all of them takes a millisecond or more, and bytes of JSON likewise.
pub const MANY_TARGETS: usize = 2_000;
pub const MANY_BYTES: usize = 128 * 1024;

/// Large work that is done at once, as much as there are cores: more would only take them from each other and from the workers.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get)));

/// Does the work, and if it is much, where it holds up nobody: the other tasks of this worker go on with another thread. That costs
/// some tens of microseconds, so it is for a millisecond or more.
pub async fn offload_if<T>(much: bool, work: impl FnOnce() -> T) -> T {
    if !much {
        return work();
    }
    // Nobody closes it.
    let _place = PLACES.acquire().await;
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        // There is nobody to hand the others to.
        _ => work(),
    }
}
