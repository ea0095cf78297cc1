//! The yardstick: as many rows behind the same kind of index, selected in order and updated in one synced transaction, with
//! nothing around them.

use std::path::Path;
use std::time::Duration;

use refreshd::clock::Stopwatch;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

const SCHEMA: &str = "
    create table items (
        id integer primary key,
        lane_id integer not null,
        state integer not null,
        priority integer not null,
        rank integer not null,
        target text not null
    ) strict;
    create index items_due on items (lane_id, priority, rank) where state = 0;
";
const FILL: &str = "
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < $1)
    insert into items (lane_id, state, priority, rank, target)
    select 1, 0, 1, n * 1000, 'https://www.example.com/assets/' || printf('%08d', n) || '/app.3f9a.js' from numbers
";
const TAKE: &str = "
    update items set state = 3
    where id in (
        select id from items where state = 0 and lane_id = 1 and priority = 1 order by rank limit $1
    )
";

pub struct Bare(SqliteConnection);

impl Bare {
    pub async fn fill(database: &Path, rows: u32) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await.expect("a database");
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await.expect("a schema");
        sqlx::query(FILL).bind(rows).execute(&mut connection).await.expect("rows");
        Self(connection)
    }

    /// Reads the first rows in order and updates them. How long that took.
    pub async fn claim(&mut self, rows: u32) -> Duration {
        let watch = Stopwatch::start();
        let read =
            "select id, target from items where state = 0 and lane_id = 1 and priority = 1 order by rank limit $1";
        let heads = sqlx::query(read).bind(rows).fetch_all(&mut self.0).await.expect("rows");
        let taken = sqlx::query(TAKE).bind(rows).execute(&mut self.0).await.expect("an update");
        assert_eq!((heads.len() as u32, taken.rows_affected()), (rows, u64::from(rows)));
        watch.elapsed()
    }

    pub async fn give_back(&mut self) {
        sqlx::query("update items set state = 0 where state = 3 and id < 100000")
            .execute(&mut self.0)
            .await
            .expect("an update");
    }
}
