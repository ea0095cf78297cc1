//! The threads that refreshd runs on.

use std::num::NonZero;
use std::{io, thread};

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// Targets from which handling all of them takes a millisecond or more, and bytes of JSON likewise.
pub const MANY_TARGETS: usize = 2_000;
pub const MANY_BYTES: usize = 128 * 1024;

/// A worker for each core but one, which is left to SQLite: its connection works on a thread of its own whenever the door does,
/// and every job waits for it. With as many workers as cores the two are in each other's way, most of all on two cores.
///
/// # Errors
/// The system gives no threads.
pub fn start() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(cores.saturating_sub(1).max(1)).enable_all().build()
}

/// Does what takes a while where it holds up nobody: the other tasks of this worker go on with another thread. That costs some
/// tens of microseconds, so it is for work of a millisecond or more.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // There is nobody to hand the others to.
        _ => work(),
    }
}

/// `aside`, if there is much to do.
pub fn aside_if<T>(much: bool, work: impl FnOnce() -> T) -> T {
    if much { aside(work) } else { work() }
}
