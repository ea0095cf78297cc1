//! Small jobs at the door: one URL each, kept durably before the answer, beside a handler that stores nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::child::Server;
use crate::load::{self, Request, Seen};
use crate::{Plan, folder, median};

const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Not counted.
const WARM_UP: Duration = Duration::from_millis(200);
/// The goal, with everything on, at 64 connections.
const GOAL: f64 = 0.4;

pub fn small(plan: Plan) {
    println!("\nSmall jobs: one URL each. Medians of {} runs of {:?} in turn.", plan.rounds, plan.look);
    println!("Each: requests/s, p50/p99, work of the server for each request.");
    println!("{:>12} {:>36} {:>36} {:>6}", "connections", "stores nothing", "the door, durably, tokens on", "ratio");
    let folder = folder();
    let (nothing, door) = (Server::nothing(), Server::door(folder.path()));
    let body = r#"{"operation":"purge","urls":["https://www.example.com/assets/app.3f9a.js"]}"#.to_owned();
    let at = |server: &Server| Request {
        address: server.address,
        body: body.clone(),
        authorization: server.authorization.clone(),
        sent: Arc::default(),
    };
    let (to_nothing, to_door) = (at(&nothing), at(&door));
    for connections in CONNECTIONS {
        let (mut yardstick, mut kept) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            yardstick.push(look(&nothing, &to_nothing, connections, plan));
            kept.push(look(&door, &to_door, connections, plan));
        }
        let ratio =
            median(kept.iter().zip(&yardstick).map(|(kept, best)| kept.0.per_second / best.0.per_second).collect());
        let goal = if connections == 64 { format!("  (goal {GOAL})") } else { String::new() };
        println!("{connections:>12} {:>36} {:>36} {ratio:>6.2}{goal}", figures(&yardstick), figures(&kept));
    }
}

/// One run, and the work of the server for each request, in microseconds.
fn look(server: &Server, request: &Request, connections: usize, plan: Plan) -> (Seen, f64) {
    load::run(request, connections, WARM_UP);
    let before = server.worked();
    let seen = load::run(request, connections, plan.look);
    let worked = server.worked() - before;
    (seen.clone(), worked.as_secs_f64() * 1e6 / seen.requests as f64)
}

fn figures(seen: &[(Seen, f64)]) -> String {
    let middle = |figure: fn(&(Seen, f64)) -> f64| median(seen.iter().map(figure).collect());
    format!(
        "{:.0}/s {:.2}/{:.2} ms {:.1} µs",
        middle(|seen| seen.0.per_second),
        middle(|seen| seen.0.p50_ms),
        middle(|seen| seen.0.p99_ms),
        middle(|seen| seen.1)
    )
}
