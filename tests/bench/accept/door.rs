//! Small jobs at the door: one URL each, kept durably before the answer, beside a handler that stores nothing.

use crate::child::Server;
use crate::load::{self, Request, Seen};
use crate::{Plan, folder, median};

const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// DESIGN §8 and the task: with everything on, at 64 connections.
const GOAL: f64 = 0.4;

pub fn small(plan: Plan) {
    println!("\nSmall jobs: one URL each. Medians of {} runs of {:?} in turn.", plan.rounds, plan.look);
    println!("{:>12} {:>22} {:>26} {:>6}", "connections", "stores nothing", "the door, durably", "ratio");
    let folder = folder();
    let (nothing, door) = (Server::nothing(), Server::door(folder.path()));
    let body = r#"{"operation":"purge","urls":["https://www.example.com/assets/app.3f9a.js"]}"#.to_owned();
    let at = |server: &Server| Request {
        address: server.address,
        body: body.clone(),
        authorization: Server::authorization(),
    };
    let (to_nothing, to_door) = (at(&nothing), at(&door));
    for connections in CONNECTIONS {
        let (mut yardstick, mut kept) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            yardstick.push(load::run(&to_nothing, connections, true, plan.look));
            kept.push(load::run(&to_door, connections, true, plan.look));
        }
        let ratio = median(kept.iter().zip(&yardstick).map(|(kept, best)| kept.per_second / best.per_second).collect());
        let goal = if connections == 64 { format!("  (goal {GOAL})") } else { String::new() };
        println!("{connections:>12} {:>22} {:>26} {ratio:>6.2}{goal}", figures(&yardstick), figures(&kept));
    }
}

/// `requests/s p50/p99 ms`
fn figures(seen: &[Seen]) -> String {
    let middle = |figure: fn(&Seen) -> f64| median(seen.iter().map(figure).collect());
    format!(
        "{:.0}/s {:.2}/{:.2} ms",
        middle(|seen| seen.per_second),
        middle(|seen| seen.p50_ms),
        middle(|seen| seen.p99_ms)
    )
}
