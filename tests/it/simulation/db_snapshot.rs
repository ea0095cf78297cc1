//! A snapshot of the database file, read by a second connection: the states that the laws are about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use refreshd::domain::{Counts, ItemState, JobId, SubmissionState};
use serde_json::Value;
use sqlx::SqlitePool;

use crate::support::Books;

#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) items: BTreeMap<i64, ItemRow>,
    pub(super) submissions: BTreeMap<i64, SubmissionRow>,
    pub(super) jobs: BTreeMap<i64, JobRow>,
    pub(super) lanes: BTreeMap<i64, LaneRow>,
    pub(super) places: Vec<PlacesRow>,
}

/// The targets of a submission that count for a tenant with a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlacesRow {
    pub(super) submission: i64,
    pub(super) tenant: String,
    pub(super) targets: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemRow {
    pub(super) job: i64,
    pub(super) lane: i64,
    pub(super) state: ItemState,
    /// Pending, and waiting for its turn only.
    pub(super) due: bool,
    pub(super) urgent: bool,
    /// The isolation group; 0: not isolated.
    pub(super) cohort: i64,
    pub(super) attempts: i64,
    pub(super) submission: Option<i64>,
    pub(super) failure: Option<FailureRow>,
    /// The reason of its wait, if it was deferred.
    pub(super) wait: Option<String>,
    pub(super) target: String,
    /// The directory's item that covers it.
    pub(super) ride: Option<i64>,
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
    /// A caller cancelled it.
    pub(super) marked: bool,
    pub(super) not_before: Option<i64>,
    pub(super) deadline: Option<i64>,
    pub(super) tenant: String,
    pub(super) created_at: i64,
    pub(super) source: Option<String>,
    pub(super) retry_of: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneRow {
    pub(super) account: String,
    pub(super) operation: String,
    pub(super) kind: String,
    pub(super) area: String,
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
        let text: String = sqlx::query_scalar(ALL).fetch_one(self.rows()).await.expect("a readable database");
        let found: Value = serde_json::from_str(&text).expect("what SQLite wrote");
        Rows {
            items: read(&found["items"], item),
            submissions: read(&found["submissions"], submission),
            jobs: read(&found["jobs"], job),
            lanes: read(&found["lanes"], lane),
            places: found["places"].as_array().expect("rows").iter().map(places).collect(),
        }
    }
}

/// All in one row, because each row is a trip to another thread.
const ALL: &str = "select json_object(
    'items', (select json_group_array(json_array(i.id, i.job_id, i.lane_id, i.state, i.attempts, i.submission_id,
                                                 i.target, f.class, f.code, f.message, i.priority, i.ride, i.cohort, w.reason))
              from items as i left join failures as f on f.id = i.failure_id left join waits as w on w.id = i.wait_id),
    'submissions', (select json_group_array(json_array(s.id, s.lane_id, s.state, s.created_at, s.task_id, f.code))
                    from submissions as s left join failures as f on f.id = s.failure_id),
    'jobs', (select json_group_array(json_array(id, lower(hex(public_id)), operation, status, finished_at, verification,
                                                cancelled_at is not null, pending, submitted, succeeded, failed,
                                                cancelled, expired, not_before, deadline,
                                                (select name from tenants where id = tenant_id), created_at, source,
                                                lower(hex(retry_of))))
             from jobs),
    'lanes', (select json_group_array(json_array(id, account, operation, kind, area)) from lanes),
    'places', (select json_group_array(json_array(p.submission_id, t.name, p.targets))
               from places as p join tenants as t on t.id = p.tenant_id)
)";

fn read<T>(rows: &Value, read: impl Fn(&Value) -> T) -> BTreeMap<i64, T> {
    rows.as_array().expect("rows").iter().map(|row| (number(&row[0]), read(row))).collect()
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn item(row: &Value) -> ItemRow {
    let failure =
        row[7].as_str().map(|_| FailureRow { class: text(&row[7]), code: text(&row[8]), message: text(&row[9]) });
    ItemRow {
        job: number(&row[1]),
        lane: number(&row[2]),
        state: state(number(&row[3])),
        due: number(&row[3]) == 0,
        urgent: number(&row[10]) == 0,
        cohort: number(&row[12]),
        attempts: number(&row[4]),
        submission: row[5].as_i64(),
        failure,
        target: text(&row[6]),
        wait: row[13].as_str().map(str::to_owned),
        ride: row[11].as_i64().filter(|ride| *ride > 0),
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

fn submission(row: &Value) -> SubmissionRow {
    SubmissionRow {
        lane: number(&row[1]),
        state: text(&row[2]).parse().expect("a state of submissions"),
        created_at: number(&row[3]),
        task: row[4].as_str().map(str::to_owned),
        code: row[5].as_str().map(str::to_owned),
    }
}

fn job(row: &Value) -> JobRow {
    let count = |place: usize| u32::try_from(number(&row[place])).expect("a count");
    let counts = Counts {
        pending: count(7),
        submitted: count(8),
        succeeded: count(9),
        failed: count(10),
        cancelled: count(11),
        expired: count(12),
    };
    JobRow {
        id: format!("job_{}", text(&row[1])).parse().expect("a job id"),
        operation: text(&row[2]),
        status: text(&row[3]),
        counts,
        finished_at: row[4].as_i64(),
        verification: text(&row[5]),
        marked: number(&row[6]) == 1,
        not_before: row[13].as_i64(),
        deadline: row[14].as_i64(),
        tenant: text(&row[15]),
        created_at: number(&row[16]),
        source: row[17].as_str().map(str::to_owned),
        retry_of: row[18].as_str().filter(|id| !id.is_empty()).map(str::to_owned),
    }
}

fn places(row: &Value) -> PlacesRow {
    let targets = u64::try_from(number(&row[2])).expect("a count");
    PlacesRow { submission: number(&row[0]), tenant: text(&row[1]), targets }
}

fn lane(row: &Value) -> LaneRow {
    LaneRow { account: text(&row[1]), operation: text(&row[2]), kind: text(&row[3]), area: text(&row[4]) }
}

impl Rows {
    pub(super) fn lane_of(&self, item: &ItemRow) -> &LaneRow {
        &self.lanes[&item.lane]
    }

    /// The items of each open submission.
    pub(super) fn travellers(&self) -> BTreeMap<i64, BTreeSet<i64>> {
        let mut travellers: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (id, item) in self.items.iter().filter(|(_, item)| item.state == ItemState::Submitted) {
            travellers.entry(item.submission.unwrap_or_default()).or_default().insert(*id);
        }
        travellers
    }

    /// A job's items as (operation, target), in order, with their states.
    pub(super) fn items_of(&self, job: JobId) -> Vec<(ItemState, (String, String))> {
        let of_job = |item: &&ItemRow| self.jobs[&item.job].id == job;
        let named = |item: &ItemRow| (item.state, (self.lane_of(item).operation.clone(), item.target.clone()));
        let mut items: Vec<_> = self.items.values().filter(of_job).map(named).collect();
        items.sort_by(|one, other| one.1.cmp(&other.1));
        items
    }

    /// Whether every item is final, and every verdict is known.
    pub(super) fn is_over(&self) -> bool {
        self.jobs.values().all(|job| job.finished_at.is_some() && job.verification != "pending")
    }
}
