//! Small jobs while another client posts the largest ones: a body that takes a tenth of a second to read must not hold up the others.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::child::Server;
use crate::load::{self, Request, Seen};
use crate::{Plan, folder, median};

const CONNECTIONS: usize = 16;
/// The most that one job may have.
const TARGETS: usize = 100_000;

pub fn run(plan: Plan) {
    println!(
        "\nSmall jobs at {CONNECTIONS} connections beside bodies of {TARGETS} URLs. Medians of {} runs.",
        plan.rounds
    );
    println!("{:>24} {:>10} {:>10} {:>10}", "", "small/s", "p50 ms", "p99 ms");
    let folder = folder();
    let door = Server::door(folder.path());
    let request = |body: String| Request {
        address: door.address,
        body,
        authorization: door.authorization.clone(),
        sent: Arc::default(),
    };
    let small = request(r#"{"operation":"purge","urls":["https://www.example.com/assets/app.3f9a.js"]}"#.to_owned());
    let urls: Vec<String> =
        (0..TARGETS).map(|n| format!("https://www.example.com/{}/{n:06}/app.3f9a.js", load::FRESH)).collect();
    let large = request(serde_json::json!({"operation": "purge", "urls": urls}).to_string());
    let (mut alone, mut beside, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        alone.push(load::run(&small, CONNECTIONS, plan.look));
        let (seen, took) = both(&small, &large, plan.look);
        beside.push(seen);
        bodies.push(took);
    }
    for (name, seen) in [("alone", &alone), ("beside large bodies", &beside)] {
        let middle = |figure: fn(&Seen) -> f64| median(seen.iter().map(figure).collect());
        let (rate, half, tail) =
            (middle(|seen| seen.per_second), middle(|seen| seen.p50_ms), middle(|seen| seen.p99_ms));
        println!("{name:>24} {rate:>10.0} {half:>10.2} {tail:>10.2}");
    }
    println!("{:>24} {:>10.0}", "ms for a large body", median(bodies));
}

/// What the small ones saw, and how long a large one took.
fn both(small: &Request, large: &Request, span: Duration) -> (Seen, f64) {
    thread::scope(|scope| {
        let posting = scope.spawn(|| load::run(large, 1, span));
        let seen = load::run(small, CONNECTIONS, span);
        (seen, posting.join().expect("large bodies that are kept").p50_ms)
    })
}
