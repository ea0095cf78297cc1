//! What the database file says at one moment, read beside its owner: the states that the laws speak of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use refreshd::domain::{Counts, ItemState, JobId, SubmissionState};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::support::Books;

#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) items: BTreeMap<i64, ItemRow>,
    pub(super) submissions: BTreeMap<i64, SubmissionRow>,
    pub(super) jobs: BTreeMap<i64, JobRow>,
    pub(super) lanes: BTreeMap<i64, LaneRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemRow {
    pub(super) job: i64,
    pub(super) lane: i64,
    pub(super) state: ItemState,
    pub(super) attempts: i64,
    pub(super) submission: Option<i64>,
    pub(super) failure: Option<FailureRow>,
    pub(super) target: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailureRow {
    pub(super) class: String,
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SubmissionRow {
    pub(super) lane: i64,
    pub(super) state: SubmissionState,
    pub(super) created_at: i64,
    pub(super) task: Option<String>,
    pub(super) code: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobRow {
    pub(super) id: JobId,
    pub(super) operation: String,
    pub(super) status: String,
    pub(super) counts: Counts,
    pub(super) finished_at: Option<i64>,
    pub(super) verification: String,
    pub(super) deadline: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneRow {
    pub(super) account: String,
    pub(super) operation: String,
    pub(super) kind: String,
}

/// A reader of one file that knows when there is nothing new to read.
pub(super) struct Reader {
    books: Books,
    version: Option<i64>,
}

impl Reader {
    pub(super) fn open(file: &Path) -> Self {
        Self { books: Books::open(file), version: None }
    }

    pub(super) fn rows(&self) -> &SqlitePool {
        self.books.rows()
    }

    /// Whether anything was committed since the last call.
    pub(super) async fn has_news(&mut self) -> bool {
        let version: i64 =
            sqlx::query_scalar("pragma data_version").fetch_one(self.rows()).await.expect("a readable file");
        self.version.replace(version) != Some(version)
    }

    pub(super) async fn read(&self) -> Rows {
        Rows {
            items: all(self.rows(), ITEMS, item).await,
            submissions: all(self.rows(), SUBMISSIONS, submission).await,
            jobs: all(self.rows(), JOBS, job).await,
            lanes: all(self.rows(), "select id, account, operation, kind from lanes", lane).await,
        }
    }
}

const ITEMS: &str = "select i.id, i.job_id, i.lane_id, i.state, i.attempts, i.submission_id, i.target, \
                            f.class, f.code, f.message \
                     from items as i left join failures as f on f.id = i.failure_id";
const SUBMISSIONS: &str = "select s.id, s.lane_id, s.state, s.created_at, s.task_id, f.code \
                           from submissions as s left join failures as f on f.id = s.failure_id";
const JOBS: &str = "select id, lower(hex(public_id)) as public_id, operation, status, pending, submitted, succeeded, \
                           failed, cancelled, expired, finished_at, verification, deadline from jobs";

async fn all<T>(db: &SqlitePool, sql: &'static str, read: impl Fn(&SqliteRow) -> T) -> BTreeMap<i64, T> {
    let rows = sqlx::query(sql).fetch_all(db).await.expect("a readable database");
    rows.iter().map(|row| (row.get("id"), read(row))).collect()
}

fn item(row: &SqliteRow) -> ItemRow {
    let failure = row.get::<Option<String>, _>("class").map(|class| FailureRow {
        class,
        code: row.get("code"),
        message: row.get("message"),
    });
    ItemRow {
        job: row.get("job_id"),
        lane: row.get("lane_id"),
        state: state(row.get("state")),
        attempts: row.get("attempts"),
        submission: row.get("submission_id"),
        failure,
        target: row.get("target"),
    }
}

/// As the schema writes them.
fn state(code: i64) -> ItemState {
    match code {
        0..=2 => ItemState::Pending,
        3 => ItemState::Submitted,
        4 => ItemState::Succeeded,
        5 => ItemState::Failed,
        6 => ItemState::Cancelled,
        7 => ItemState::Expired,
        other => panic!("item state {other}"),
    }
}

fn submission(row: &SqliteRow) -> SubmissionRow {
    SubmissionRow {
        lane: row.get("lane_id"),
        state: row.get::<&str, _>("state").parse().expect("a state of submissions"),
        created_at: row.get("created_at"),
        task: row.get("task_id"),
        code: row.get("code"),
    }
}

fn job(row: &SqliteRow) -> JobRow {
    let counts = Counts {
        pending: row.get("pending"),
        submitted: row.get("submitted"),
        succeeded: row.get("succeeded"),
        failed: row.get("failed"),
        cancelled: row.get("cancelled"),
        expired: row.get("expired"),
    };
    JobRow {
        id: format!("job_{}", row.get::<&str, _>("public_id")).parse().expect("a job id"),
        operation: row.get("operation"),
        status: row.get("status"),
        counts,
        finished_at: row.get("finished_at"),
        verification: row.get("verification"),
        deadline: row.get("deadline"),
    }
}

fn lane(row: &SqliteRow) -> LaneRow {
    LaneRow { account: row.get("account"), operation: row.get("operation"), kind: row.get("kind") }
}

impl Rows {
    pub(super) fn lane_of(&self, item: &ItemRow) -> &LaneRow {
        &self.lanes[&item.lane]
    }

    /// The items that travel in each open submission.
    pub(super) fn travellers(&self) -> BTreeMap<i64, BTreeSet<i64>> {
        let mut travellers: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (id, item) in self.items.iter().filter(|(_, item)| item.state == ItemState::Submitted) {
            travellers.entry(item.submission.unwrap_or_default()).or_default().insert(*id);
        }
        travellers
    }

    /// Whether every item is final, and every verdict is known.
    pub(super) fn is_over(&self) -> bool {
        self.jobs.values().all(|job| job.finished_at.is_some() && job.verification != "pending")
    }
}
