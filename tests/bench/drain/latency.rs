//! Single jobs while the allowance is free: from the 202 to the arrival of the call, beside what a commit costs on the
//! same disk in the same run. The sandbox's log has milliseconds, so a latency is right to one of them.

use std::path::Path;
use std::time::Duration;

use refreshd::clock::Stopwatch;
use refreshd::random::Random;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::stage::Stage;
use crate::{Plan, at, runtime};

/// Between jobs: at most 15 calls a second, so that a token is always there.
const PAUSE: Duration = Duration::from_millis(70);

pub fn run(plan: Plan) {
    println!(
        "\nOne job of one URL at a time, {} of them, with the allowance free. Milliseconds, p50 and p99.",
        plan.jobs
    );
    let (mut accepted, mut wired, mut committed) = runtime().block_on(look(plan.jobs));
    for (name, figures) in [
        ("a commit of one row, nothing around it", &mut committed),
        ("post to 202", &mut accepted),
        ("202 to the call's arrival", &mut wired),
    ] {
        println!("{name:>40} {:>8.2} {:>8.2}", at(figures, 0.5), at(figures, 0.99));
    }
    println!("{:>40} {:>8.1}", "202 to arrival / commit, p50", at(&mut wired, 0.5) / at(&mut committed, 0.5));
}

async fn look(jobs: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let stage = Stage::build(1_000).await;
    let mut bare = bare(stage.folder.path()).await;
    let (mut accepted, mut wired, mut committed) = (Vec::new(), Vec::new(), Vec::new());
    for job in 0..jobs {
        let (before, watch) = (stage.seen(), Stopwatch::start());
        let kept = stage.post(&[format!("https://www.example.com/one/{job}")]).await;
        accepted.push(watch.elapsed().as_secs_f64() * 1e3);
        let calls = stage.submitted(before, 1).await;
        assert_eq!(calls.len(), 1, "one job, one call");
        // The call may be there before this client has read its answer.
        wired.push(calls[0].at.since(kept).as_secs_f64() * 1e3);
        tokio::time::sleep(PAUSE.mul_f64(1.0 + Random::default().jitter())).await;
        let watch = Stopwatch::start();
        sqlx::query("insert into bare values ($1)").bind(job as i64).execute(&mut bare).await.expect("a commit");
        committed.push(watch.elapsed().as_secs_f64() * 1e3);
    }
    (accepted, wired, committed)
}

/// A file as the daemon keeps its own.
async fn bare(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = options.connect().await.expect("a connection");
    sqlx::query("create table bare (row integer) strict").execute(&mut connection).await.expect("a table");
    connection
}
