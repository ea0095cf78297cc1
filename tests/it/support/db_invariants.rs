//! The rules that every database of ours keeps, counted again from its rows: each rule is a query for what breaks it.

use std::path::Path;

use refreshd::domain::Counts;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

/// What breaks a rule of the state tables (docs/laws.md), one row each.
const RULES: &[(&str, &str)] = &[
    ("a job counts its items", include_str!("db_invariants/jobs.sql")),
    ("a job's items are one unbroken run", include_str!("db_invariants/runs.sql")),
    ("a lane knows its depth", include_str!("db_invariants/depths.sql")),
    ("a job ends when its last item does", include_str!("db_invariants/finished.sql")),
    ("the events tell each end once", include_str!("db_invariants/endings.sql")),
    ("events are numbered without a gap", include_str!("db_invariants/events.sql")),
    ("an item stands as its state says", include_str!("db_invariants/items.sql")),
    ("a submission stands as its state says", include_str!("db_invariants/submissions.sql")),
    ("a job names the hosts it touches", include_str!("db_invariants/hosts.sql")),
    ("a task belongs to one submission", include_str!("db_invariants/tasks.sql")),
];

/// A database file, read beside the process that owns it.
pub struct Books(SqlitePool);

impl Books {
    pub fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        Self(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
    }

    pub fn rows(&self) -> &SqlitePool {
        &self.0
    }

    /// # Panics
    /// With everything that breaks a rule.
    pub async fn balance(&self, after: &str) {
        let violations = recount(&self.0).await;
        assert!(violations.is_empty(), "after {after}:\n{}", violations.join("\n"));
    }
}

/// Everything in the database that breaks a rule, in words. One statement for all rules: after each move of a
/// simulation, ten would cost more than the move.
pub async fn recount(db: &SqlitePool) -> Vec<String> {
    let named = |(place, (_, sql)): (usize, &(&str, &str))| {
        format!("r{place}(found) as ({})", sql.trim().trim_end_matches(';'))
    };
    let rules: Vec<String> = RULES.iter().enumerate().map(named).collect();
    let all: Vec<String> =
        (0..RULES.len()).map(|place| format!("select {place} as rule, found from r{place}")).collect();
    let sql = format!("with {} {}", rules.join(",\n"), all.join(" union all "));
    let found: Vec<(i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(db).await.expect("a readable database");
    let told = found.into_iter().map(|(rule, found)| (usize::try_from(rule).unwrap_or_default(), found));
    let mut violations: Vec<String> = told.map(|(rule, found)| format!("{}: {found}", RULES[rule].0)).collect();
    violations.extend(wrong_statuses(db).await);
    violations
}

/// The status that jobs are found by is the one that callers are told.
async fn wrong_statuses(db: &SqlitePool) -> Vec<String> {
    type Row = (i64, u32, u32, u32, u32, u32, u32, bool, String);
    let rows: Vec<Row> = sqlx::query_as(
        "select id, pending, submitted, succeeded, failed, cancelled, expired, started, status from jobs",
    )
    .fetch_all(db)
    .await
    .expect("a readable database");
    let wrong = rows.into_iter().filter_map(
        |(id, pending, submitted, succeeded, failed, cancelled, expired, started, found)| {
            let counts = Counts { pending, submitted, succeeded, failed, cancelled, expired };
            let told = counts.status(started).to_string();
            (told != found).then(|| format!("job {id} is {told} and found as {found}"))
        },
    );
    wrong.collect()
}
