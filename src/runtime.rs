//! The threads that refreshd runs on.

use std::num::NonZero;
use std::sync::LazyLock;
use std::{io, thread};

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Targets from which handling all of them takes a millisecond or more, and bytes of JSON likewise.
pub const MANY_TARGETS: usize = 2_000;
pub const MANY_BYTES: usize = 128 * 1024;

/// Large work that is done at once: more would only take cores from each other, from the workers and from SQLite.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(cores()));

/// A worker for each core but one, which is left to SQLite: its connection works on a thread of its own whenever the door does,
/// and every job waits for it. With as many workers as cores the two are in each other's way, most of all on two cores.
///
/// # Errors
/// The system has no file descriptors left.
///
/// # Panics
/// The system gives no threads.
pub fn start() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(cores().saturating_sub(1).max(1)).enable_all().build()
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work, and if it is much, where it holds up nobody: the other tasks of this worker go on with another thread. That costs
/// some tens of microseconds, so it is for a millisecond or more.
pub async fn aside_if<T>(much: bool, work: impl FnOnce() -> T) -> T {
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
