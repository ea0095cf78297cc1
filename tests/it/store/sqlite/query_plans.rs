//! The plans of what is asked all the time: over an index, never a walk over all items or jobs. A query that is quick at
//! ten thousand rows and scans is found out at ten million only, when it is too late.

use refreshd::store::sqlite::{SqliteStore, with_codes};
use sqlx::{ConnectOptions, Row};

use super::database;
use crate::support::Books;

/// The statements of the product, as they are in its folder.
macro_rules! sql {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../src/store/sqlite/", $name, ".sql")))
    };
}

const ASKED_ALL_THE_TIME: [(&str, &str); 51] = [
    sql!("dispatch/insert_quota_attributions"),
    sql!("dispatch/tenant_usage_by_lane"),
    sql!("dispatch/item_tenants"),
    sql!("submissions/mark_hosts_unproved"),
    sql!("submissions/mark_hosts_proved"),
    sql!("dispatch/proved_hosts"),
    sql!("dispatch/jobs_since"),
    sql!("dispatch/next_items"),
    sql!("dispatch/pending_targets"),
    sql!("dispatch/items_below_directories"),
    sql!("dispatch/isolation_fronts"),
    sql!("dispatch/next_candidates"),
    sql!("submissions/due_submissions"),
    sql!("verification/due_verifications"),
    sql!("verification/due_verifications_by_host"),
    sql!("jobs/events"),
    sql!("submissions/fail_prefetches"),
    sql!("diagnoses/failure_counts"),
    sql!("submissions/release_prefetches"),
    sql!("dispatch/held_targets"),
    sql!("jobs/items"),
    sql!("jobs/job"),
    sql!("jobs/job_hosts"),
    sql!("jobs/job_targets"),
    sql!("jobs/jobs"),
    sql!("jobs/jobs_of_tenant"),
    sql!("jobs/job_by_idempotency_key"),
    sql!("jobs/jobs_by_idempotency_keys"),
    sql!("dispatch/lane_depths"),
    sql!("jobs/last_events"),
    sql!("dispatch/lanes"),
    sql!("dispatch/defer_items"),
    sql!("jobs/cancel_items"),
    sql!("dispatch/expire_items"),
    sql!("submissions/release_items"),
    sql!("dispatch/coalesce_items"),
    sql!("dispatch/activate_due_items"),
    sql!("submissions/settle_items"),
    sql!("dispatch/next_timer"),
    sql!("writer/insert_events_for_moves"),
    sql!("jobs/example_pending_item"),
    sql!("jobs/job_of_item"),
    sql!("dispatch/open_purges"),
    sql!("dispatch/covered_url_lane"),
    sql!("dispatch/coalescing_items"),
    sql!("verification/sample_succeeded_items"),
    sql!("submissions/sending_submissions"),
    sql!("submissions/quota_usage_by_lane"),
    sql!("submissions/submission_targets"),
    sql!("diagnoses/most_relevant_item"),
    sql!("jobs/unsuccessful_items"),
];

/// Written where they are asked.
const ONE_LINERS: [(&str, &str); 5] = [
    ("next verification", "select min(verify_due_at) from jobs where verify_due_at > $1"),
    (
        "next look",
        "select min(due_at) from submissions where state = $1 and state in ('accepted', 'ambiguous') and due_at > $2",
    ),
    ("is_paused", "select exists (select 1 from lane_pauses where lane_id = $1 and resumed_at is null)"),
    ("sending", "select id from submissions where state = 'sending'"),
    ("known_tasks", "select distinct task_id from submissions where task_id in (select value from json_each($1))"),
];

async fn plan(sql: &str, books: &Books) -> Vec<String> {
    let mut connection = books.rows().acquire().await.expect("a connection");
    let moves = include_str!("../../../../src/store/sqlite/writer/moves.sql")
        .replace("create temp table", "create temp table if not exists");
    sqlx::raw_sql(sqlx::AssertSqlSafe(moves)).execute(&mut *connection).await.expect("the moves");
    let code = with_codes(sql);
    let mut steps = Vec::new();
    for statement in code.split(';').filter(|statement| !statement.trim().is_empty()) {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("explain query plan {statement}")))
            .fetch_all(&mut *connection)
            .await
            .expect("a plan");
        steps.extend(rows.iter().map(|row| row.get::<String, _>("detail")));
    }
    steps
}

/// Tables that grow, by their names or by the aliases that the statements use.
const GROWING: [&str; 17] = [
    "items",
    "near",
    "carrier",
    "i",
    "p",
    "jobs",
    "j",
    "events",
    "e",
    "submissions",
    "s",
    "other",
    "failures",
    "f",
    "verdicts",
    "v",
    "last",
];

/// Indexes that hold only what is due or open: a walk over one of these is short.
const PARTIAL: [&str; 9] = [
    "items_delayed",
    "items_due",
    "items_open_targets",
    "items_submitted",
    "jobs_to_verify",
    "jobs_with_deadline",
    "submissions_ambiguous",
    "submissions_open",
    "submissions_sending",
];

/// Names that stand for the few rows of a subquery there.
const SUBQUERIES: [(&str, &str); 3] = [
    ("submissions/settle_items", "SCAN f LEFT-JOIN"),
    ("jobs/example_pending_item", "SCAN last"),
    ("submissions/quota_usage_by_lane", "SCAN s"),
];

/// A walk over every row of a table that grows.
fn walks(step: &str) -> bool {
    let Some(walked) = step.strip_prefix("SCAN ") else { return false };
    let mut words = walked.split(' ');
    words.next().is_some_and(|table| GROWING.contains(&table)) && !words.any(|word| PARTIAL.contains(&word))
}

#[tokio::test]
async fn nothing_asked_all_the_time_walks_over_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    let _store = SqliteStore::open(&path).await.expect("a store");
    let books = Books::open(&path);
    let mut faults = Vec::new();
    for (name, sql) in ASKED_ALL_THE_TIME
        .iter()
        .chain(&ONE_LINERS)
        .chain([&sql!("writer/apply_moves"), &sql!("submissions/accept_submission")])
    {
        let steps = plan(sql, &books).await;
        assert!(!steps.is_empty(), "{name}");
        let walks = steps.iter().filter(|step| walks(step) && !SUBQUERIES.contains(&(name, step)));
        faults.extend(walks.map(|step| format!("{name}: {step}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn what_is_due_is_found_by_its_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    let _store = SqliteStore::open(&path).await.expect("a store");
    let books = Books::open(&path);
    for ((name, sql), index) in [
        (sql!("dispatch/next_candidates"), "items_due (lane_id=? AND cohort=? AND priority=?)"),
        (sql!("submissions/due_submissions"), "submissions_open (due_at<?)"),
        (sql!("jobs/jobs_of_tenant"), "jobs_of_tenant (tenant_id=? AND id<?)"),
        (sql!("jobs/jobs"), "INTEGER PRIMARY KEY (rowid<?)"),
        (sql!("dispatch/next_timer"), "items_delayed"),
        (sql!("dispatch/next_timer"), "jobs_with_deadline"),
        (sql!("dispatch/activate_due_items"), "items_delayed (due_at<?)"),
        (sql!("submissions/settle_items"), "items_submitted (submission_id=?)"),
        (sql!("jobs/example_pending_item"), "SEARCH i USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        (sql!("dispatch/coalescing_items"), "items_open_targets (target_key=?)"),
        (sql!("dispatch/items_below_directories"), "items_open_targets (target_key>? AND target_key<?)"),
        (sql!("dispatch/items_below_directories"), "items_due (lane_id=? AND cohort=? AND priority=?)"),
        (sql!("dispatch/next_items"), "items_due (lane_id=? AND cohort=? AND priority=?)"),
        (sql!("dispatch/jobs_since"), "jobs_of_tenant (tenant_id=?)"),
        (sql!("dispatch/open_purges"), "items_open_targets (target_key=?)"),
        (sql!("dispatch/held_targets"), "items_open_targets (target_key=?)"),
        (sql!("jobs/events"), "events_of_job (job_id=? AND seq>?)"),
        (sql!("jobs/last_events"), "events_of_job (job_id=?)"),
        (sql!("verification/due_verifications"), "jobs_to_verify (verify_due_at<?)"),
        (sql!("verification/due_verifications_by_host"), "jobs_to_verify_by_host (verify_host>?)"),
        (sql!("verification/due_verifications_by_host"), "jobs_to_verify_by_host (verify_host=? AND verify_due_at<?)"),
    ] {
        let steps = plan(sql, &books).await;
        assert!(steps.iter().any(|step| step.contains(index)), "{name} without {index}:\n{}", steps.join("\n"));
    }
}

#[test]
fn a_walk_is_told_from_a_search() {
    assert!(walks("SCAN i") && walks("SCAN items") && walks("SCAN jobs USING INDEX sqlite_autoindex_jobs_1"));
    assert!(
        !walks("SCAN m")
            && !walks("SEARCH i USING INDEX items_due (lane_id=?)")
            && !walks("SCAN json_each VIRTUAL TABLE")
    );
    assert!(!walks("SCAN s USING INDEX submissions_open"));
}

/// SQLite checks a rule like `in ('a', 'b', 'c')` by building a table of the words for each row that is written, and copies pages
/// for a statement with a rule that calls a function or counts what a foreign key lacks.
#[tokio::test]
async fn no_rule_costs_more_than_the_row_that_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = database(&folder);
    drop(SqliteStore::open(&path).await.expect("a store"));
    let mut db = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.expect("a connection");
    for insert in [
        "insert into jobs (public_id, tenant_id, operation, priority, labels, merged, first_item, pair_offset, pending, \
         verification, created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "insert into items (job_id, lane_id, state, priority, rank, target) values (?, ?, ?, ?, ?, ?)",
    ] {
        let explain = format!("explain {insert}");
        let program = sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(&mut db).await.expect("a program");
        let steps: Vec<String> = program.iter().map(|row| row.get("opcode")).collect();
        assert!(steps.iter().filter(|step| *step == "Halt").count() > 1, "its rules are checked: {insert}");
        let costly = ["OpenEphemeral", "PureFunc", "Function", "FkCounter"];
        assert!(!steps.iter().any(|step| costly.contains(&step.as_str())), "{insert}: {steps:?}");
    }
}
