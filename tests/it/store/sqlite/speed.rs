//! What a claim of a thousand costs with few and with many pending items. Printed, and not judged: for whoever changes a
//! statement. `cargo test --release --test it -- --ignored --nocapture what_a_batch_costs`

use std::time::Duration;

use refreshd::clock::Stopwatch;
use refreshd::domain::Target;
use refreshd::store::{NewJob, ReleaseAction, Store};

use super::fresh;
use crate::store::fixtures::{accept, at, batch, give_back, keep, lane_of, purge, settle};

const JOB_TARGETS: u32 = 10_000;
const ROUNDS: u32 = 10;

/// The mean of some runs.
async fn timed(what: &str, mut run: impl AsyncFnMut()) {
    let mut total = Duration::ZERO;
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        run().await;
        total += watch.elapsed();
    }
    print(&format!("    {what:<40} {:>9.2} ms", total.as_secs_f64() * 1000.0 / f64::from(ROUNDS)));
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn print(line: &str) {
    println!("{line}");
}

#[tokio::test]
#[ignore = "measures, and takes a minute"]
async fn what_a_batch_costs() {
    for pending in [10_000, 1_000_000] {
        let fresh = fresh().await;
        let store = &fresh.store.store;
        // The rounds claim more than the small case has.
        let jobs = (pending / JOB_TARGETS).max(6 * ROUNDS * 1_000 / JOB_TARGETS * u32::from(pending > JOB_TARGETS) + 1);
        print(&format!("{} pending items", jobs * JOB_TARGETS));
        let watch = Stopwatch::start();
        let mut first = None;
        for n in 0..jobs {
            let job = NewJob { verify: true, ..purge(n * JOB_TARGETS..(n + 1) * JOB_TARGETS) };
            first.get_or_insert(keep(store, job, at(1)).await);
        }
        print(&format!("    kept in {:.1} s", watch.elapsed().as_secs_f64()));
        let first = first.expect("a job");
        let lane = lane_of(store, &first, 0).await;
        timed("claim 1,000, and give them back", async || {
            let claim = batch(store, lane, 1_000, at(2)).await;
            give_back(store, claim.submission, ReleaseAction::Requeue, at(2)).await;
        })
        .await;
        timed("create one job of one target", async || drop(keep(store, purge(1..2), at(3)).await)).await;
        timed("lanes' depths, and next moment", async || {
            store.lane_depths().await.expect("lanes");
            store.next_timer().await.expect("a moment");
        })
        .await;
        timed("list 20 jobs", async || drop(store.jobs(Some(&first.tenant), None, 20).await.expect("jobs"))).await;
        timed("example of what is pending", async || {
            assert!(store.example_pending_item(first.row, at(1)).await.expect("readable").is_some());
        })
        .await;
        for (what, failed) in [("none failed", 0), ("1,000 failed", 1_000)] {
            let (mut claims, mut settled) = (Vec::new(), 0);
            let rounds = if pending > JOB_TARGETS { ROUNDS } else { 4 };
            let watch = Stopwatch::start();
            for _ in 0..rounds {
                claims.push(batch(store, lane, 1_000, at(4)).await);
            }
            let claimed = watch.elapsed();
            for claim in &claims {
                accept(store, claim.submission, &format!("task-{}", claim.submission), at(5)).await;
            }
            let watch = Stopwatch::start();
            for claim in &claims {
                let failed: Vec<Target> = claim.targets.iter().take(failed).cloned().collect();
                settle(store, claim.submission, &failed, at(6)).await;
                settled += 1;
            }
            let each = |span: Duration| span.as_secs_f64() * 1000.0 / f64::from(settled);
            print(&format!("    {:<40} {:>9.2} ms", "claim 1,000", each(claimed)));
            print(&format!("    {:<40} {:>9.2} ms", format!("settle 1,000, {what}"), each(watch.elapsed())));
        }
        fresh.store.books.balance("all that").await;
    }
}
