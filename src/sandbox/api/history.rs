//! DescribePurgeTasks and DescribePushTasks: the rows of tasks, found by task or by time, filtered and paged.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::CloudError;
use super::messages::{ActionOutcome, CallTime};
use super::params::Params;
use super::task::{RowStatus, Task, TaskKind, TaskRow};
use super::time_formats;
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::state::{Cloud, State};
use crate::sandbox::wire::Switches;

const LIMIT_DEFAULT: u64 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HistoryKind {
    Purge,
    Push,
}

pub(super) async fn describe(
    cloud: &Arc<Cloud>,
    kind: HistoryKind,
    params: &Params<'_>,
    moment: CallTime,
) -> Result<ActionOutcome, CloudError> {
    cloud.settle_due().await;
    let state = cloud.state();
    let query = Query::read(kind, params, &state.switches, moment)?;
    let (total, page) = query.page(&state, moment.now);
    let logs: Vec<Value> =
        page.into_iter().map(|(task, row)| log(kind, task, row, &state.switches, moment.now)).collect();
    let name = if kind == HistoryKind::Purge { "PurgeLogs" } else { "PushLogs" };
    let fields = Map::from_iter([("TotalCount".to_owned(), Value::from(total)), (name.to_owned(), Value::from(logs))]);
    Ok(ActionOutcome { fields, ..ActionOutcome::default() })
}

struct Query<'a> {
    kinds: &'static [TaskKind],
    task_id: Option<&'a str>,
    /// Of creation times as the API tells them.
    from: Timestamp,
    to: Timestamp,
    keyword: Option<&'a str>,
    status: Option<&'a str>,
    area: Option<Area>,
    offset: u64,
    limit: u64,
}

impl<'a> Query<'a> {
    fn read(kind: HistoryKind, params: &Params<'a>, switches: &Switches, moment: CallTime) -> Result<Self, CloudError> {
        let kinds: &[TaskKind] = match (kind, params.text("PurgeType")?) {
            (HistoryKind::Push, _) => &[TaskKind::Push],
            (HistoryKind::Purge, None) => &[TaskKind::PurgeUrl, TaskKind::PurgePath],
            (HistoryKind::Purge, Some("url")) => &[TaskKind::PurgeUrl],
            (HistoryKind::Purge, Some("path")) => &[TaskKind::PurgePath],
            (HistoryKind::Purge, Some(other)) => return Err(not_a(other, "PurgeType")),
        };
        let task_id = params.text("TaskId")?;
        let (from, to) = window(task_id, params, switches, moment)?;
        let status = params.text("Status")?;
        let statuses: &[&str] = match kind {
            HistoryKind::Purge => &["fail", "done", "process"],
            HistoryKind::Push => &["fail", "done", "process", "invalid"],
        };
        if let Some(word) = status.filter(|word| !statuses.iter().any(|text| text.eq_ignore_ascii_case(word))) {
            return Err(not_a(word, "Status"));
        }
        let limit = params.count("Limit")?.unwrap_or(LIMIT_DEFAULT);
        if limit > switches.list_limit_max {
            return Err(CloudError::parameter(format!("Limit is at most {}.", switches.list_limit_max)));
        }
        let area = params.area(&[Area::Mainland, Area::Overseas, Area::Global])?;
        let (keyword, offset) = (params.text("Keyword")?, params.count("Offset")?.unwrap_or(0));
        Ok(Self { kinds, task_id, from, to, keyword, status, area, offset, limit })
    }

    /// How many rows match, and those of them that the page shows.
    fn page<'s>(&self, state: &'s State, now: Timestamp) -> (u64, Vec<(&'s Task, &'s TaskRow)>) {
        let mut total = 0;
        let mut page = Vec::new();
        for task in self.tasks(state).into_iter().filter(|task| self.matches_task(task, now)) {
            for row in task.rows.iter().filter(|row| self.matches_row(row)) {
                if (self.offset..self.offset.saturating_add(self.limit)).contains(&total) {
                    page.push((task, row));
                }
                total += 1;
            }
        }
        (total, page)
    }

    /// In the order of the listing. A task id leads straight to its task, however many there are.
    fn tasks<'s>(&self, state: &'s State) -> Vec<&'s Task> {
        let within = |task: &&Task| task.created_at >= self.from && task.created_at <= self.to;
        match self.task_id {
            Some(id) => state.tasks.find(id).into_iter().filter(within).collect(),
            None if state.switches.list_newest_first => state.tasks.created_between(self.from, self.to).rev().collect(),
            None => state.tasks.created_between(self.from, self.to).collect(),
        }
    }

    fn matches_task(&self, task: &Task, now: Timestamp) -> bool {
        self.kinds.contains(&task.kind) && task.listed_from <= now
    }

    fn matches_row(&self, row: &TaskRow) -> bool {
        let named = self.keyword.is_none_or(|word| row.url == word || row.host.eq_ignore_ascii_case(word));
        let in_state = self.status.is_none_or(|word| row.status.as_str().eq_ignore_ascii_case(word));
        named && in_state && self.area.is_none_or(|area| row.area.covers(area))
    }
}

/// The creation times asked for; with a task id alone, all that are still kept.
fn window(
    task_id: Option<&str>,
    params: &Params<'_>,
    switches: &Switches,
    moment: CallTime,
) -> Result<(Timestamp, Timestamp), CloudError> {
    let time = |name| match params.text(name)? {
        None => Ok(None),
        Some(text) => time_formats::parse_text(text).map(Some).ok_or_else(|| not_a(text, name)),
    };
    let listed_since = moment.timestamp - switches.history_retention;
    let (start, end) = (time("StartTime")?, time("EndTime")?);
    if start.is_none() && task_id.is_none() {
        return Err(CloudError::missing("StartTime"));
    }
    // Times are told in whole seconds: the last one counts to its end. Without an end, all that came since.
    let to = end.map_or(Timestamp::from_millis(i64::MAX), |end| Timestamp::from_millis(end.as_millis() + 999));
    if let Some(start) = start {
        let span_end = end.unwrap_or(moment.timestamp);
        if end.is_some_and(|end| end < start) || span_end.since(start) > switches.history_window_max {
            return Err(CloudError::parameter("StartTime and EndTime do not span an allowed time."));
        }
    }
    Ok((start.map_or(listed_since, |start| start.max(listed_since)), to))
}

fn not_a(word: &str, name: &str) -> CloudError {
    CloudError::parameter(format!("`{word}` is not a {name}."))
}

fn log(kind: HistoryKind, task: &Task, row: &TaskRow, switches: &Switches, now: Timestamp) -> Value {
    let status = match row.status {
        RowStatus::Done if switches.status_capitalised => "Done",
        status => status.as_str(),
    };
    let created = time_formats::text(task.created_at);
    match kind {
        HistoryKind::Purge => json!({
            "TaskId": task.id,
            "Url": row.url,
            "Status": status,
            "PurgeType": if task.kind == TaskKind::PurgePath { "path" } else { "url" },
            "FlushType": task.flush.as_str(),
            "CreateTime": created,
        }),
        HistoryKind::Push => json!({
            "TaskId": task.id,
            "Url": row.url,
            "Status": status,
            "Percent": percent(task, row, now),
            "CreateTime": created,
            "Area": row.area.as_str(),
            "UpdateTime": (row.status != RowStatus::Process).then(|| time_formats::text(row.ready_at)),
        }),
    }
}

fn percent(task: &Task, row: &TaskRow, now: Timestamp) -> u64 {
    if row.status == RowStatus::Done {
        return 100;
    }
    let whole = row.ready_at.since(task.made_at).as_millis().max(1);
    let elapsed = now.since(task.made_at).as_millis();
    u64::try_from(elapsed * 100 / whole).map_or(99, |percent| percent.min(99))
}
