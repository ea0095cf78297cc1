//! Bodies of a thousand URLs through the door, beside rows like theirs inserted set-wise into the same table with nothing
//! around them. No URL comes twice, on either side: what is inserted again and again meets its own keys, in an index that
//! real jobs spread over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
        (0..TARGETS).map(|n| format!("https://www.example.com/assets/{}/{n:06}/app.3f9a.js", load::FRESH)).collect();
    let body = serde_json::json!({"operation": "purge", "urls": urls}).to_string();
    let at = |server: &Server| Request {
        address: server.address,
        body: body.clone(),
        authorization: server.authorization.clone(),
        sent: Arc::default(),
    };
    let (to_nothing, to_door) = (at(&nothing), at(&door));
    let runtime = runtime();
    let mut bare = runtime.block_on(Bare::open(bare.path(), urls));
    for connections in CONNECTIONS {
        let (mut yardstick, mut parsed, mut through, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            let best = runtime.block_on(bare.per_second(plan));
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
    urls: Vec<String>,
    next: i64,
}

impl Bare {
    async fn open(folder: &Path, urls: Vec<String>) -> Self {
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
        Self { connection, urls, next: 1 }
    }

    /// Rows of the next thousand, behind keys as the product has them: a directory's hash above the target's own. Each has a
    /// directory of its own, so they are spread over the index.
    fn rows(&self) -> String {
        let run = format!("fresh-{:08}", self.next / TARGETS as i64);
        let keyed = self.urls.iter().map(|url| {
            let url = url.replace(load::FRESH, &run);
            let directory = &url[..=url.rfind('/').expect("a path")];
            format!("{:019}{url}", (hash(directory) << 31) | (hash(&url) >> 1))
        });
        serde_json::to_string(&keyed.collect::<Vec<_>>()).expect("JSON")
    }

    /// Rows a second, without the time that it takes to think them up.
    async fn per_second(&mut self, plan: Plan) -> f64 {
        let (mut took, first) = (Duration::ZERO, self.next);
        while took < plan.look {
            let rows = self.rows();
            let watch = Stopwatch::start();
            sqlx::query("begin immediate").execute(&mut self.connection).await.expect("a transaction");
            sqlx::query(include_str!("../../../src/store/sqlite/jobs/insert_bulk_items.sql"))
                .bind(self.next)
                .bind(1)
                .bind(1)
                .bind(0)
                .bind(1)
                .bind(None::<i64>)
                .bind(&rows)
                .bind(1)
                .bind(self.next)
                .bind(1)
                .execute(&mut self.connection)
                .await
                .expect("rows");
            sqlx::query("commit").execute(&mut self.connection).await.expect("a commit");
            took += watch.elapsed();
            self.next += TARGETS as i64;
        }
        (self.next - first) as f64 / took.as_secs_f64()
    }
}

/// FNV-1a of 32 bits, by which the product's keys are made.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0x811c_9dc5_u64, |hash, byte| ((hash ^ u64::from(byte)) * 0x0100_0193) & 0xffff_ffff)
}
