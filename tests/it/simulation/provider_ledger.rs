//! The laws by the clouds' own ledgers: every call's time and charge, and every task beside our submissions.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use refreshd::domain::{ItemOperation, ItemState, ServiceDay, SubmissionState, TargetKind, Timestamp};
use refreshd::engine::PoolStatus;
use refreshd::sandbox::{Cloud, RecordedCall, SimulatedPool, TaskKind, TaskView};

use super::db_snapshot::{ItemRow, LaneRow, Rows, SubmissionRow};
use super::invariants::{Laws, Left};
use super::provider_faults::Excuses;

/// The provider's figure: calls of one action in any second.
const CALLS_PER_SECOND: usize = 20;

/// How far one cloud's books were read.
#[derive(Default)]
pub(super) struct CloudBooks {
    seq: u64,
    arrivals: HashMap<String, VecDeque<Timestamp>>,
    /// Targets that calls were charged for.
    charged: u64,
}

impl CloudBooks {
    /// Law 3, from the calls since the last check. Tells whether there were any.
    pub(super) fn check(&mut self, cloud: &Cloud, excuses: &Excuses) -> (bool, Vec<String>) {
        let calls = cloud.calls_after(self.seq);
        let mut broken = Vec::new();
        for call in &calls {
            self.seq = call.seq;
            self.charged += if call.task_id.is_some() { call.items } else { 0 };
            broken.extend(self.law_3_rate(call));
            broken.extend(law_3_refusals(call, excuses));
        }
        broken.extend(law_3_day_quota(cloud, excuses));
        (!calls.is_empty(), broken)
    }

    fn law_3_rate(&mut self, call: &RecordedCall) -> Option<String> {
        let arrivals = self.arrivals.entry(call.action.clone()).or_default();
        arrivals.push_back(call.at);
        while arrivals.front().is_some_and(|at| call.at.since(*at) >= Duration::from_secs(1)) {
            arrivals.pop_front();
        }
        let many = arrivals.len() > CALLS_PER_SECOND;
        many.then(|| format!("law 3: {} calls of {} within a second", arrivals.len(), call.action))
    }

    /// What was charged is what our books have as spent, and what a lie of the list hid: calls that were released as not
    /// listed, and counted so.
    pub(super) fn law_4_charged_is_spent(&self, account: &str, tasks: &[TaskView], laws: &Laws) -> Option<String> {
        let ours: Vec<(&SubmissionRow, &Left)> = laws
            .left_with
            .iter()
            .filter(|(_, left)| left.lane.account == account)
            .filter_map(|(id, left)| Some((laws.before.submissions.get(id)?, left)))
            .collect();
        let known: BTreeSet<&str> = ours.iter().filter_map(|(row, _)| row.task.as_deref()).collect();
        let spent: u64 =
            ours.iter().filter(|(row, _)| row.task.is_some()).map(|(_, left)| left.targets.len() as u64).sum();
        let hidden = tasks.iter().filter(|task| !known.contains(task.id.as_str()));
        let undecidable: u64 = hidden.map(|task| targets(task).len() as u64).sum();
        let given_up = ours.iter().filter(|(row, _)| row.code.as_deref() == Some("not_listed"));
        let counted: u64 = given_up.map(|(_, left)| left.targets.len() as u64).sum();
        let adds_up = self.charged == spent + undecidable && undecidable <= counted;
        (!adds_up).then(|| {
            format!(
                "law 4: {account} charged {} targets, our books have {spent} and {undecidable} of {counted} given up",
                self.charged
            )
        })
    }
}

/// Nothing is under way, and the provider was asked just now.
pub(super) fn law_3_what_is_left_is_known(
    pool: &PoolStatus,
    cloud: &Cloud,
    laws: &Laws,
    excuses: Excuses,
    now: Timestamp,
) -> Vec<String> {
    let named = |view: &SimulatedPool| (view.kind, view.area.as_str()) == (task_kind(pool), pool.area.as_str());
    let Some(theirs) = cloud.quota().into_iter().find(named) else {
        return vec![format!("law 3: the cloud has no pool {}", pool.name)];
    };
    let mut broken = Vec::new();
    let left = pool.total.saturating_sub(pool.used).min(theirs.available());
    if pool.available > left || (pool.available < left && !excuses.ledger_is_high) {
        broken.push(format!(
            "law 3: {left} are left, and the engine takes {} for it: {pool:?} {theirs:?}",
            pool.available
        ));
    }
    let draws = |lane: &LaneRow| {
        let is_in = [pool.area.as_str(), "own", "global"].contains(&lane.area.as_str());
        lane.account == pool.account.as_str()
            && lane.operation == pool.operation.as_str()
            && lane.kind == pool.kind.as_str()
            && is_in
    };
    let day_began = ServiceDay::east_of_utc(8).start(now);
    let sum = |may_count: &dyn Fn(i64, &SubmissionRow) -> bool| -> u64 {
        let counts = |id: &i64| {
            let row = laws.before.submissions.get(id);
            row.is_some_and(|row| row.state.may_have_spent() && may_count(*id, row))
        };
        let ours = laws.left_with.iter().filter(|(id, left)| draws(&left.lane) && counts(id));
        ours.map(|(_, left)| left.targets.len() as u64).sum()
    };
    let is_of_today = |row: &SubmissionRow| row.created_at >= day_began.as_millis();
    let least = sum(&|_, row| is_of_today(row));
    // What had no answer at midnight counts in both days.
    let most = sum(&|id, row| is_of_today(row) || laws.open_until.get(&id).is_some_and(|until| *until >= day_began));
    let is_low = pool.used < least && !excuses.pools_hidden;
    if is_low || (pool.used > most && !excuses.ledger_is_high) {
        broken.push(format!("law 3: of {} the rows have {least} to {most} spent, the ledger {}", pool.name, pool.used));
    }
    broken
}

fn task_kind(pool: &PoolStatus) -> TaskKind {
    match (pool.operation, pool.kind) {
        (ItemOperation::Prefetch, _) => TaskKind::Push,
        (ItemOperation::Purge, TargetKind::Url) => TaskKind::PurgeUrl,
        (ItemOperation::Purge, TargetKind::Directory) => TaskKind::PurgePath,
    }
}

fn law_3_refusals(call: &RecordedCall, excuses: &Excuses) -> Option<String> {
    let code = call.code.as_deref()?;
    if call.faults.contains(&"refuse") {
        return None;
    }
    let breach = match code {
        "RequestLimitExceeded" | "RequestSizeLimitExceeded" => true,
        _ if code.ends_with("BatchLimit") => !excuses.batches_shrank,
        // What a lie of the list hid from us was charged all the same.
        _ if code.ends_with("DayLimit") => !excuses.outside_spending && !excuses.lists_lied,
        // A signature out of time, or a form that the cloud does not know.
        _ => code.starts_with("AuthFailure") || code.starts_with("Missing") || code.starts_with("Unknown"),
    };
    breach.then(|| format!("law 3: the cloud refused {} with {} targets: {code}", call.action, call.items))
}

fn law_3_day_quota(cloud: &Cloud, excuses: &Excuses) -> Vec<String> {
    let over = cloud.quota().into_iter().filter(|pool| !excuses.outside_spending && pool.spent > pool.total);
    over.map(|pool| format!("law 3: more was spent than there is: {pool:?}")).collect()
}

/// Laws 2 and 4, from one cloud's tasks beside the submissions of its account. `before`: the rows of the last check.
pub(super) async fn check_tasks(
    account: &str,
    cloud: &Arc<Cloud>,
    laws: &Laws,
    news: &[i64],
    excuses: &Excuses,
) -> Vec<String> {
    let tasks = cloud.tasks().await;
    let by_id: BTreeMap<&str, &TaskView> = tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut broken = law_4_adopted_tasks_are_ours(account, &by_id, laws);
    broken.extend(law_4_nothing_is_made_twice(account, &tasks, laws, excuses));
    let ours = |item: &&i64| laws.before.lane_of(&laws.before.items[*item]).account == account;
    broken.extend(
        news.iter()
            .filter(ours)
            .filter_map(|item| law_7_done_is_what_the_cloud_did(*item, &laws.before.items[item], &by_id, &laws.before)),
    );
    broken
}

fn law_4_adopted_tasks_are_ours(account: &str, tasks: &BTreeMap<&str, &TaskView>, laws: &Laws) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, left) in laws.left_with.iter().filter(|(_, left)| left.lane.account == account) {
        let Some(row) = laws.before.submissions.get(id) else { continue };
        let Some(name) = &row.task else { continue };
        let Some(task) = tasks.get(name.as_str()) else {
            broken.push(format!("law 4: submission {id} has task {name}, which the cloud never made"));
            continue;
        };
        if kind(task.kind) != (left.lane.operation.as_str(), left.lane.kind.as_str()) || targets(task) != left.targets {
            broken.push(format!("law 4: submission {id} has task {name}, which is of another batch"));
        }
        let (made, left_at) = (task.created_at.as_millis(), row.created_at);
        if !(left_at - 120_000..=left_at + 240_000).contains(&made) {
            broken.push(format!("law 4: submission {id} left at {left_at}, and its task was made at {made}"));
        }
    }
    broken
}

/// As many tasks as batches that may have been charged. What the list hid until its time was over is released and
/// counted, so it may have been sent again.
fn law_4_nothing_is_made_twice(account: &str, tasks: &[TaskView], laws: &Laws, excuses: &Excuses) -> Vec<String> {
    let mut allowed: BTreeMap<Batch, usize> = BTreeMap::new();
    for (id, left) in laws.left_with.iter().filter(|(_, left)| left.lane.account == account) {
        let Some(row) = laws.before.submissions.get(id) else { continue };
        let undecidable = excuses.lists_lied && row.code.as_deref() == Some("not_listed");
        if row.state.may_have_spent() || undecidable {
            *allowed.entry(Batch::of(left)).or_default() += 1;
        }
    }
    let mut made: BTreeMap<Batch, usize> = BTreeMap::new();
    for task in tasks {
        let (operation, kind) = kind(task.kind);
        let batch = Batch { operation: operation.to_owned(), kind: kind.to_owned(), targets: targets(task) };
        *made.entry(batch).or_default() += 1;
    }
    let more = made.iter().filter(|(batch, made)| **made > allowed.get(batch).copied().unwrap_or(0));
    more.map(|(batch, made)| {
        let allowed = allowed.get(batch).copied().unwrap_or(0);
        format!("law 4: {account} made {made} tasks where {allowed} may have been charged: {batch:?}")
    })
    .collect()
}

/// A succeeded item has a task whose rows for its target are all done.
fn law_7_done_is_what_the_cloud_did(
    id: i64,
    item: &ItemRow,
    tasks: &BTreeMap<&str, &TaskView>,
    rows: &Rows,
) -> Option<String> {
    let submission = item.submission.and_then(|submission| rows.submissions.get(&submission));
    let settled = submission.filter(|one| one.state == SubmissionState::Settled);
    let task = settled.and_then(|one| one.task.as_ref()).and_then(|task| tasks.get(task.as_str()));
    // A covered URL has succeeded with the directory above it.
    let sent = item.ride.map_or(&item.target, |directory| &rows.items[&directory].target);
    let mut ours = task.iter().flat_map(|task| &task.targets).filter(|(target, _)| target == sent).peekable();
    let done = ours.peek().is_some() && ours.all(|(_, status)| *status == "done");
    (!done).then(|| format!("law 7: item {id} is told as done, and the cloud did not do it: {item:?}, {task:?}"))
}

/// Items that succeeded between two moments.
pub(super) fn newly_succeeded(before: &Rows, now: &Rows) -> Vec<i64> {
    let done = |item: &ItemRow| item.state == ItemState::Succeeded;
    let is_new = |id: &i64| !before.items.get(id).is_some_and(done);
    now.items.iter().filter(|(id, item)| done(item) && is_new(id)).map(|(id, _)| *id).collect()
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Batch {
    operation: String,
    kind: String,
    targets: BTreeSet<String>,
}

impl Batch {
    fn of(left: &Left) -> Self {
        let Left { lane, targets, .. } = left.clone();
        Self { operation: lane.operation, kind: lane.kind, targets }
    }
}

fn kind(kind: TaskKind) -> (&'static str, &'static str) {
    match kind {
        TaskKind::PurgeUrl => ("purge", "url"),
        TaskKind::PurgePath => ("purge", "directory"),
        TaskKind::Push => ("prefetch", "url"),
    }
}

fn targets(task: &TaskView) -> BTreeSet<String> {
    task.targets.iter().map(|(target, _)| target.clone()).collect()
}
