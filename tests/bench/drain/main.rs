//! How near the daemon comes to what the provider's call rate allows: `cargo bench --bench drain`, with `-- --full` for
//! more and longer runs. The real binary and the sandbox over loopback, on the real clock. Carry ratios, not figures.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

mod latency;
mod rate;
mod stage;

/// How far to go.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Runs of each kind; the median counts.
    rounds: usize,
    /// URLs, and the most that one call may carry.
    drains: &'static [(usize, u64)],
    /// Jobs that are timed one by one.
    jobs: usize,
}

/// The hundred thousand are 100 calls, which take seconds: there is no shorter honest run.
const SHORT: Plan = Plan { rounds: 3, drains: &[(100_000, 1_000)], jobs: 100 };
/// Smaller batches make more calls of the same URLs, so that what happens once weighs less.
const FULL: Plan = Plan { rounds: 5, drains: &[(20_000, 1_000), (100_000, 1_000), (100_000, 200)], jobs: 1_000 };

/// A part of the bench, and its name.
type Run = (&'static str, fn(Plan));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let plan = if arguments.iter().any(|argument| argument == "--full") { FULL } else { SHORT };
    // Whatever stands alone narrows the run: `cargo bench --bench drain -- rate`.
    let only = arguments.iter().find(|argument| !argument.starts_with("--"));
    let runs: [Run; 2] = [("rate", rate::run), ("latency", latency::run)];
    for (name, run) in runs {
        if only.is_none_or(|only| only == name) {
            run(plan);
        }
    }
}

/// What stands at this share of the sorted figures: 0.5 is the middle one.
fn at(figures: &mut [f64], share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * share) as usize]
}

/// A runtime like the daemon's.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}
