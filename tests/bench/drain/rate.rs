//! One large job, from its 202 to the arrival of its last call, against the shortest time that the rate allows.
//!
//! The floor: N = ⌈URLs / batch⌉ calls are the fewest. At most R calls arrive in any second, the first R at once, so the
//! last of them arrives ⌊(N − 1) / R⌋ s after the first at the soonest. The daemon's tokens come back a second after the
//! *answer*, so each round of R calls costs it the latency of a call more; the ratio shows how much that is.

use refreshd::sandbox::RecordedCall;

use crate::stage::{RATE, Stage};
use crate::{Plan, at, runtime};

const GOAL: f64 = 1.05;

pub fn run(plan: Plan) {
    println!(
        "\nDraining at {RATE} calls/s. Medians of {} runs, from the 202 to the arrival of the last call.",
        plan.rounds
    );
    println!(
        "{:>8} {:>6} {:>8} {:>8} {:>8} {:>17} {:>22} {:>18}",
        "URLs", "batch", "floor s", "took s", "ratio", "calls / fewest", "first call after ms", "other calls each"
    );
    for (urls, batch) in plan.drains {
        let rounds: Vec<Seen> = (0..plan.rounds).map(|_| runtime().block_on(drain(*urls, *batch))).collect();
        let middle = |figure: fn(&Seen) -> f64| at(&mut rounds.iter().map(figure).collect::<Vec<_>>(), 0.5);
        let fewest = urls.div_ceil(*batch as usize);
        let floor = ((fewest - 1) / RATE as usize) as f64;
        let took = middle(|seen| seen.took);
        // Where all calls leave at once there is nothing to divide by.
        let ratio = if floor > 0.0 { format!("{:.3}", took / floor) } else { "-".to_owned() };
        println!(
            "{urls:>8} {batch:>6} {floor:>8.1} {took:>8.3} {ratio:>8} {:>10} / {fewest:<4} {:>22.0} {:>18.2}  (goal {GOAL})",
            middle(|seen| seen.calls),
            middle(|seen| seen.first),
            middle(|seen| seen.others / seen.calls),
        );
    }
}

struct Seen {
    /// Seconds until the last call.
    took: f64,
    /// Milliseconds until the first.
    first: f64,
    calls: f64,
    /// Looks at tasks and quotas meanwhile.
    others: f64,
}

async fn drain(urls: usize, batch: u64) -> Seen {
    let stage = Stage::build(batch).await;
    let urls: Vec<String> = (0..urls).map(|n| format!("https://www.example.com/assets/{n:06}/app.3f9a.js")).collect();
    let before = stage.seen();
    let kept = stage.post(&urls).await;
    let calls = stage.submitted(before, urls.len() as u64).await;
    let others = stage.sandbox.cloud().calls_after(before).len() - calls.len();
    let refused: Vec<&RecordedCall> = calls.iter().filter(|call| call.code.is_some()).collect();
    assert!(refused.is_empty(), "law 3: {refused:?}");
    let millis = |call: Option<&RecordedCall>| call.expect("a call").at.as_millis() - kept.as_millis();
    Seen {
        took: millis(calls.last()) as f64 / 1e3,
        first: millis(calls.first()) as f64,
        calls: calls.len() as f64,
        others: others as f64,
    }
}
