//! Small jobs given to the store alone, without a door before it: how much of the door's time is the store's.

use std::sync::Arc;

use refreshd::clock::{Clock, Stopwatch, SystemClock};
use refreshd::domain::{
    AccountName, Area, ItemOperation, Labels, Lane, Operation, Priority, Target, TargetKind, TenantName,
};
use refreshd::random::Random;
use refreshd::store::sqlite::SqliteStore;
use refreshd::store::{JobPart, NewJob, PartState, Store};
use tokio::task::JoinSet;

use crate::{Plan, folder, median, runtime};

const CALLERS: [usize; 3] = [1, 16, 64];

pub fn run(plan: Plan) {
    println!("\nSmall jobs given to the store alone. Medians of {} runs of {:?}.", plan.rounds, plan.look);
    println!("{:>12} {:>12}", "callers", "jobs/s");
    for callers in CALLERS {
        let rounds = (0..plan.rounds).map(|_| runtime().block_on(look(callers, plan))).collect();
        println!("{callers:>12} {:>12.0}", median(rounds));
    }
}

async fn look(callers: usize, plan: Plan) -> f64 {
    let folder = folder();
    let store = Arc::new(SqliteStore::open(&folder.path().join("refreshd.db")).await.expect("a database"));
    store.create_job(job(), SystemClock::default().now()).await.expect("a job that is kept");
    let watch = Stopwatch::start();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let store = store.clone();
        running.spawn(async move {
            let mut kept = 0u32;
            while watch.elapsed() < plan.look {
                store.create_job(job(), SystemClock::default().now()).await.expect("a job that is kept");
                kept += 1;
            }
            kept
        });
    }
    let kept: u32 = running.join_all().await.into_iter().sum();
    f64::from(kept) / watch.elapsed().as_secs_f64()
}

fn job() -> NewJob {
    let lane = Lane {
        account: AccountName::new("main"),
        operation: ItemOperation::Purge,
        kind: TargetKind::Url,
        area: Area::Own,
        mode: None,
    };
    let target = Target::parse(TargetKind::Url, "https://www.example.com/assets/app.3f9a.js").expect("a target");
    NewJob {
        id: Random::default().job_id(SystemClock::default().now()),
        tenant: TenantName::new("shop"),
        weight: 1,
        operation: Operation::Purge,
        priority: Priority::Normal,
        area: Area::Own,
        source: None,
        labels: Labels::new(),
        notify: None,
        not_before: None,
        deadline: None,
        merged: 0,
        verify: true,
        parts: vec![JobPart { lane, state: PartState::Due, targets: vec![target] }],
        pair_offset: 0,
        idempotency: None,
        retry_of: None,
        warnings: Vec::new(),
    }
}
