//! What a claim costs in a lane as it is on a bad day, at ten thousand pending items and at a million: several tenants, all
//! priorities, equal targets and a parked host, beside a bare indexed select and update of as many rows. `cargo bench --bench
//! claim`, with `-- --full` for ten million. Absolute figures are the machine's; carry ratios.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

mod bare;
mod lane;

use std::path::Path;
use std::time::Duration;

use refreshd::clock::{Clock, Stopwatch, SystemClock};
use refreshd::domain::{ErrorClass, Failure, SubmissionState};
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{Release, ReleaseAction, Store};

use self::bare::Bare;
use self::lane::{CLAIM_TARGETS, FRESH, Mixed};

/// How long to look, and how far to go.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Claims at each size.
    claims: usize,
    /// Pending items.
    sizes: &'static [u32],
}

const SHORT: Plan = Plan { claims: 51, sizes: &[10_000, 100_000, 1_000_000] };
const FULL: Plan = Plan { claims: 101, sizes: &[10_000, 100_000, 1_000_000, 10_000_000] };
/// How much a claim may grow from the smallest lane to the largest.
const GOAL: f64 = 1.5;

fn main() {
    let plan = if std::env::args().any(|argument| argument == "--full") { FULL } else { SHORT };
    println!(
        "Claims of {CLAIM_TARGETS} targets, each after {FRESH} new ones of a parked host. Medians of {}, in ms.",
        plan.claims
    );
    println!(
        "{:>10} {:>8} {:>10} {:>10} {:>12} {:>8} {:>14} {:>8}",
        "pending", "items", "claim", "quickest", "bare update", "ratio", "set aside, us", "file MB"
    );
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the databases");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let looks = runtime.block_on(look(folder.path(), plan));
    if let (Some(first), Some(last)) = (looks.first(), looks.last()) {
        println!("claim at the largest size / at the smallest: {:.2} (goal at most {GOAL})", last.claim / first.claim);
        println!("the bare update, likewise: {:.2}", last.bare / first.bare);
    }
}

/// One size.
struct Place {
    size: u32,
    lane: Mixed,
    bare: Bare,
    /// Milliseconds for each item of the parked host's pile.
    aside: f64,
    claims: Vec<f64>,
    bares: Vec<f64>,
    items: u32,
}

/// Medians, in milliseconds.
struct Look {
    claim: f64,
    bare: f64,
}

/// Fills a lane of each size, claims from all of them in turn, so that whatever else the machine does meets all, and prints a
/// line for each.
async fn look(folder: &Path, plan: Plan) -> Vec<Look> {
    let mut places = Vec::new();
    for size in plan.sizes {
        places.push(Place::fill(folder, *size).await);
    }
    for _ in 0..plan.claims {
        for place in &mut places {
            place.claim().await;
        }
    }
    let mut looks = Vec::new();
    for place in places {
        looks.push(place.tell(folder).await);
    }
    looks
}

impl Place {
    async fn fill(folder: &Path, size: u32) -> Self {
        let store = SqliteStore::open(&folder.join(format!("{size}.db"))).await.expect("a database");
        let mut lane = Mixed::fill(store, size).await;
        let aside = lane.set_aside().await;
        let bare = Bare::fill(&folder.join(format!("{size}-bare.db")), size).await;
        Self { size, lane, bare, aside, claims: Vec::new(), bares: Vec::new(), items: 0 }
    }

    async fn claim(&mut self) {
        self.lane.keep_fresh().await;
        let watch = Stopwatch::start();
        let claim = self.lane.claim().await.expect("something to claim");
        self.claims.push(millis(watch.elapsed()));
        assert_eq!(claim.targets.len() as u32, CLAIM_TARGETS);
        self.items = claim.items;
        let failure = Failure::new(ErrorClass::Throttle, "bench", "given back by the benchmark");
        let back = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
        self.lane.store.release(claim.submission, back, SystemClock::default().now()).await.expect("a return");
        self.bares.push(millis(self.bare.claim(claim.items).await));
        self.bare.give_back().await;
    }

    async fn tell(mut self, folder: &Path) -> Look {
        self.claims.sort_by(f64::total_cmp);
        self.bares.sort_by(f64::total_cmp);
        let (claim, bare) = (self.claims[self.claims.len() / 2], self.bares[self.bares.len() / 2]);
        let (best, ratio) = (self.claims[0], claim / bare);
        let file = folder.join(format!("{}.db", self.size));
        let megabytes = std::fs::metadata(file).map_or(0, |file| file.len()) / 1_000_000;
        println!(
            "{:>10} {:>8} {claim:>10.2} {best:>10.2} {bare:>12.2} {ratio:>8.2} {:>14.1} {megabytes:>8}",
            self.size,
            self.items,
            self.aside * 1e3
        );
        self.lane.store.drain(Duration::from_secs(60)).await;
        Look { claim, bare }
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
