//! How fast jobs are kept and claimed, beside what the machine could do at best in the same run: `cargo bench --bench
//! accept`, with `-- --full` for ten million items and longer looks. Absolute figures are the machine's; carry ratios.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

mod alone;
mod beside;
mod bulk;
mod child;
mod door;
mod load;
mod scale;

use std::time::Duration;

/// How long to look, and how far to go.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Of each run at the door.
    look: Duration,
    /// Runs of each kind, in turn; the median counts.
    rounds: usize,
    /// Claims at each size.
    claims: usize,
    /// Pending items.
    sizes: &'static [u32],
}

const SHORT: Plan = Plan { look: Duration::from_secs(1), rounds: 3, claims: 21, sizes: &[10_000, 1_000_000] };
const FULL: Plan =
    Plan { look: Duration::from_secs(4), rounds: 5, claims: 51, sizes: &[10_000, 100_000, 1_000_000, 10_000_000] };

/// A part of the bench, and its name.
type Run = (&'static str, fn(Plan));

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = arguments.iter().position(|argument| argument == child::FLAG) {
        return child::play(&arguments[role + 1..]);
    }
    let plan = if arguments.iter().any(|argument| argument == "--full") { FULL } else { SHORT };
    // Whatever stands alone narrows the run: `cargo bench --bench accept -- small`.
    let only = arguments.iter().find(|argument| !argument.starts_with("--"));
    let runs: [Run; 5] = [
        ("small", door::small),
        ("alone", alone::run),
        ("beside", beside::run),
        ("bulk", bulk::run),
        ("scale", scale::run),
    ];
    for (name, run) in runs {
        if only.is_none_or(|only| only == name) {
            run(plan);
        }
    }
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// A folder for a database, on the file system that the repository lies on.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the database")
}

/// A runtime like the daemon's.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}
