//! The ledger: what was acknowledged against what a stopped daemon's file, and the cloud, say of it. Tells what is wrong
//! rather than failing, so that a test can see it go red.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use refreshd::sandbox::{TaskKind, TaskView};
use sqlx::{Row, SqlitePool};

use super::db_invariants::{Books, recount};

/// A job whose 202 arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// As the API names it: `job_` and 32 hexadecimal digits.
    pub(crate) id: String,
    /// Items: a refresh has two for each URL.
    pub(crate) items: usize,
}

/// Everything that breaks laws 1 and 2 in the database of a daemon that is not running, and, where the cloud's tasks are
/// known, every target that it was given more often than it was asked for. With `ended`, each item must be final.
pub(crate) async fn violations(
    database: &Path,
    acknowledged: &[Acknowledged],
    tasks: Option<&[TaskView]>,
    ended: bool,
) -> Vec<String> {
    let books = Books::open(database);
    let db = books.rows();
    let damage: Vec<String> =
        sqlx::query_scalar("pragma integrity_check").fetch_all(db).await.expect("a readable file");
    let mut violations: Vec<String> = damage.into_iter().filter(|line| line != "ok").collect();
    violations.extend(recount(db).await);
    violations.extend(kept(acknowledged, ended, db).await);
    if let Some(tasks) = tasks {
        violations.extend(sent(tasks, db).await);
    }
    violations
}

/// Every acknowledged job is there with all of its items.
async fn kept(acknowledged: &[Acknowledged], ended: bool, db: &SqlitePool) -> Vec<String> {
    let sql = "select lower(hex(j.public_id)) as id, count(i.id) as items, coalesce(sum(i.state <= 3), 0) as open \
               from jobs as j left join items as i on i.job_id = j.id group by j.id";
    let rows = sqlx::query(sql).fetch_all(db).await.expect("readable jobs");
    let found: HashMap<String, (i64, i64)> = rows
        .iter()
        .map(|row| (format!("job_{}", row.get::<String, _>("id")), (row.get("items"), row.get("open"))))
        .collect();
    let judge = |job: &Acknowledged| match found.get(&job.id) {
        None => Some(format!("{} was acknowledged and is lost", job.id)),
        Some((items, _)) if usize::try_from(*items) != Ok(job.items) => {
            Some(format!("{} was acknowledged with {} items and has {items}", job.id, job.items))
        }
        Some((_, open)) if ended && *open > 0 => Some(format!("{} has {open} items that never ended", job.id)),
        Some(_) => None,
    };
    acknowledged.iter().filter_map(judge).collect()
}

/// No target is in more tasks than there are items that asked for it, each as often as it was tried: once, and once more
/// for each row that failed. A task that no submission knows was made behind the memory's back: a cloud that lists its
/// tasks within the grace leaves no excuse for having given one up (law 4).
async fn sent(tasks: &[TaskView], db: &SqlitePool) -> Vec<String> {
    let asked = "select l.operation || ' ' || l.kind || ' ' || i.target as target, sum(max(1, i.attempts + (i.state = 3))) as often \
                 from items as i join lanes as l on l.id = i.lane_id group by 1";
    let rows = sqlx::query(asked).fetch_all(db).await.expect("readable items");
    let asked: HashMap<String, i64> = rows.iter().map(|row| (row.get("target"), row.get("often"))).collect();
    let known: Vec<String> = sqlx::query_scalar("select task_id from submissions where task_id is not null")
        .fetch_all(db)
        .await
        .expect("readable submissions");
    let known: HashSet<String> = known.into_iter().collect();
    let mut violations = Vec::new();
    let mut given: HashMap<String, i64> = HashMap::new();
    for task in tasks {
        if !known.contains(&task.id) {
            violations.push(format!("task {} is no submission's", task.id));
        }
        // A cloud may keep a row for each area.
        let targets: BTreeSet<&String> = task.targets.iter().map(|(target, _)| target).collect();
        for target in targets {
            *given.entry(format!("{} {target}", lane(task.kind))).or_default() += 1;
        }
    }
    for (target, given) in given {
        let asked = asked.get(&target).copied().unwrap_or(0);
        if given > asked {
            violations.push(format!("{target} was asked for {asked} times and given to the cloud {given} times"));
        }
    }
    violations.sort();
    violations
}

/// Jobs that are kept and that nobody was told of. Where every post was repeated until it had its answer, each is one that
/// was kept twice.
pub(crate) async fn surplus(database: &Path, acknowledged: &[Acknowledged]) -> Vec<String> {
    let books = Books::open(database);
    let kept: Vec<String> = sqlx::query_scalar("select 'job_' || lower(hex(public_id)) from jobs")
        .fetch_all(books.rows())
        .await
        .expect("readable jobs");
    kept.into_iter().filter(|id| acknowledged.iter().all(|job| job.id != *id)).collect()
}

fn lane(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::PurgeUrl => "purge url",
        TaskKind::PurgePath => "purge directory",
        TaskKind::Push => "prefetch url",
    }
}
