//! Bodies of a thousand URLs through the door, beside the same rows inserted set-wise into the same table with nothing
//! around them.

use std::path::Path;

use refreshd::clock::Stopwatch;
use refreshd::store::sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::child::Server;
use crate::load::{self, Request};
use crate::{Plan, folder, median, runtime};

const TARGETS: usize = 1_000;
const CONNECTIONS: [usize; 3] = [1, 4, 16];

pub fn run(plan: Plan) {
    println!("\nBulk: bodies of {TARGETS} URLs. Medians of {} runs of {:?} in turn.", plan.rounds, plan.look);
    println!(
        "{:>12} {:>22} {:>22} {:>22} {:>6}",
        "connections", "bare insert", "parses, no store", "the door", "ratio"
    );
    let (bare, kept) = (folder(), folder());
    let (nothing, door) = (Server::nothing(), Server::door(kept.path()));
    let urls: Vec<String> =
        (0..TARGETS).map(|n| format!("https://www.example.com/assets/{n:06}/app.3f9a.js")).collect();
    let body = serde_json::json!({"operation": "purge", "urls": urls}).to_string();
    let at = |server: &Server| Request {
        address: server.address,
        body: body.clone(),
        authorization: server.authorization.clone(),
    };
    let (to_nothing, to_door) = (at(&nothing), at(&door));
    // Behind keys as the product has them: near each other for neighbours.
    let keyed: Vec<String> = urls.iter().zip(1u64..).map(|(url, n)| format!("{:019}{url}", n << 31)).collect();
    let rows = serde_json::to_string(&keyed).expect("JSON");
    let runtime = runtime();
    let mut bare = runtime.block_on(Bare::open(bare.path()));
    for connections in CONNECTIONS {
        let (mut yardstick, mut parsed, mut through, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let best = runtime.block_on(bare.per_second(&rows, plan));
            parsed.push(look(&nothing, &to_nothing, connections, plan));
            let seen = look(&door, &to_door, connections, plan);
            ratios.push(seen.0 / best);
            yardstick.push(best);
            through.push(seen);
        }
        let shown = [parsed, through].map(|seen| figures(&seen));
        println!(
            "{connections:>12} {:>14.0} {:>22} {:>22} {:>6.2}",
            median(yardstick),
            shown[0],
            shown[1],
            median(ratios)
        );
    }
}

/// Targets a second, and the work of the server for each, in microseconds.
fn look(server: &Server, request: &Request, connections: usize, plan: Plan) -> (f64, f64) {
    let before = server.worked();
    let seen = load::run(request, connections, plan.look);
    let worked = (server.worked() - before).as_secs_f64() * 1e6;
    (seen.per_second * TARGETS as f64, worked / (seen.requests * TARGETS) as f64)
}

fn figures(seen: &[(f64, f64)]) -> String {
    let middle = |figure: fn(&(f64, f64)) -> f64| median(seen.iter().map(figure).collect());
    format!("{:.0}/s {:.2} µs", middle(|seen| seen.0), middle(|seen| seen.1))
}

/// The store's own tables, written to without the store: one transaction for each thousand rows.
struct Bare {
    connection: SqliteConnection,
    next: i64,
}

impl Bare {
    async fn open(folder: &Path) -> Self {
        let file = folder.join("bare.db");
        drop(SqliteStore::open(&file).await.expect("a database"));
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await.expect("a connection");
        sqlx::raw_sql(
            "insert into tenants (id, name) values (1, 'bare');
             insert into lanes (id, account, operation, kind, area, mode) values (1, 'main', 'purge', 'url', 'own', '');
             insert into turns (lane_id, priority, tenant_id, base, last) values (1, 1, 1, 0, 0);",
        )
        .execute(&mut connection)
        .await
        .expect("names");
        Self { connection, next: 1 }
    }

    async fn per_second(&mut self, rows: &str, plan: Plan) -> f64 {
        let (watch, first) = (Stopwatch::start(), self.next);
        while watch.elapsed() < plan.look {
            sqlx::query("begin immediate").execute(&mut self.connection).await.expect("a transaction");
            sqlx::query(include_str!("../../../src/store/sqlite/sql/create_bulk.sql"))
                .bind(self.next)
                .bind(1)
                .bind(1)
                .bind(0)
                .bind(1)
                .bind(None::<i64>)
                .bind(rows)
                .bind(1)
                .bind(self.next)
                .bind(1)
                .execute(&mut self.connection)
                .await
                .expect("rows");
            sqlx::query("commit").execute(&mut self.connection).await.expect("a commit");
            self.next += TARGETS as i64;
        }
        (self.next - first) as f64 / watch.elapsed().as_secs_f64()
    }
}
