//! Finds the tasks that a lost submission may have made: those listed in its window for one of its targets.
//!
//! A listing that could not be read whole is a fault, never "not found": that would send the batch again.

use std::collections::BTreeSet;

use super::history::{self, ROWS_MAX, unexpected_response};
use super::reader::CdnReader;
use super::wire::{HistoryRequest, HistoryRow};
use super::{submit, utc8};
use crate::domain::{ItemOperation, Target, TargetKind, Timestamp};
use crate::provider::{FindQuery, ListedTask, ReadError, TaskId};

pub(in super::super) async fn find_tasks(
    reader: &CdnReader<'_>,
    query: &FindQuery,
) -> Result<Vec<ListedTask>, ReadError> {
    // The list speaks of the provider's clock, the query and its answer of ours.
    let offset = reader.client.clock_offset();
    let window = HistoryRequest {
        start_time: Some(utc8::format_time(shifted(query.since, offset))),
        end_time: Some(utc8::format_rounded_up(shifted(query.until, offset))),
        keyword: Some(query.target.as_str().to_owned()),
        purge_type: purge_type(query),
        ..HistoryRequest::default()
    };
    let listing = history::rows(reader, query.operation, window, ROWS_MAX).await?;
    if !listing.complete {
        return Err(unexpected_response("the provider's task list for the target could not be read whole"));
    }
    // The keyword may match longer URLs too; a task without a row of the target itself is of another batch.
    let is_target = |url: &String| Target::parse(query.kind, url).is_ok_and(|target| target == query.target);
    let of_target = listing.rows.into_iter().filter(|row| row.url.as_ref().is_some_and(is_target));
    let tasks: Option<BTreeSet<TaskId>> = of_target.map(|row| submit::task_id(row.task_id)).collect();
    let tasks = tasks.ok_or_else(|| unexpected_response("a row of the provider's task list has no usable TaskId"))?;
    let mut listed_tasks = Vec::new();
    for task in tasks {
        let listed_task = read_task(reader, query.operation, task).await?;
        listed_tasks
            .extend(listed_task.map(|task| ListedTask { created_at: shifted(task.created_at, -offset), ..task }));
    }
    listed_tasks.sort_by_key(|task| task.created_at);
    Ok(listed_tasks)
}

const fn shifted(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().saturating_add(millis))
}

/// The task with all its targets; nothing if it is too large to be one of ours.
async fn read_task(
    reader: &CdnReader<'_>,
    operation: ItemOperation,
    task: TaskId,
) -> Result<Option<ListedTask>, ReadError> {
    let request = HistoryRequest { task_id: Some(task.0.clone()), ..HistoryRequest::default() };
    let listing = history::rows(reader, operation, request, ROWS_MAX).await?;
    if listing.total > ROWS_MAX {
        return Ok(None);
    }
    if !listing.complete {
        return Err(unexpected_response("the rows of a listed task could not be read whole"));
    }
    let rows: Vec<HistoryRow> = listing.rows.into_iter().filter(|row| row.task_id.as_ref() == Some(&task.0)).collect();
    let created_at = rows.iter().filter_map(|row| row.create_time.as_deref().and_then(utc8::parse)).min();
    let created_at = created_at.ok_or_else(|| unexpected_response("a listed task has no readable CreateTime"))?;
    // Without one of its targets the task could pass for another batch's, or for none's.
    let targets: Option<BTreeSet<String>> = rows.into_iter().map(|row| row.url).collect();
    let targets = targets.ok_or_else(|| unexpected_response("a row of a listed task has no Url"))?;
    Ok(Some(ListedTask { task, created_at, targets }))
}

const fn purge_type(query: &FindQuery) -> Option<&'static str> {
    match (query.operation, query.kind) {
        (ItemOperation::Purge, TargetKind::Url) => Some("url"),
        (ItemOperation::Purge, TargetKind::Directory) => Some("path"),
        // `DescribePushTasks` has no such parameter.
        (ItemOperation::Prefetch, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::provider::tencent::tests::scripted_server::{CallCounter, NOW, Script, ServerAction, ok};

    const URL: &str = "https://h.example/a";

    fn page(total: usize, rows: &[(&str, &str, &str)]) -> ServerAction {
        let rows: Vec<String> = rows
            .iter()
            .map(|(task, url, time)| format!(r#"{{"TaskId":"{task}","Url":"{url}","CreateTime":"{time}"}}"#))
            .collect();
        ok(&format!(r#","TotalCount":{total},"PurgeLogs":[{}]"#, rows.join(",")))
    }

    async fn find(operation: ItemOperation, script: &Script) -> Result<Vec<ListedTask>, ReadError> {
        let limiter = CallCounter::default();
        let target = Target::parse(TargetKind::Url, URL).expect("a target");
        let (since, until) = (NOW, Timestamp::from_millis(NOW.as_millis() + 90_500));
        let query = FindQuery { operation, kind: TargetKind::Url, target, since, until };
        let tasks = script.client().find_tasks(&query, &limiter).await;
        assert_eq!((limiter.calls(), script.remaining()), (script.requests().len(), 0));
        tasks
    }

    #[tokio::test]
    async fn the_tasks_of_the_window_come_with_all_their_targets_oldest_first() {
        let (early, late) = ("2026-11-23 00:00:10", "2026-11-23 00:00:20");
        let script = Script::start([
            page(
                4,
                &[("t-1", URL, late), ("t-2", URL, early), ("t-2", URL, early), ("t-3", "https://h.example/ab", late)],
            ),
            page(2, &[("t-1", URL, late), ("t-1", "https://h.example/b", late)]),
            page(3, &[("t-2", URL, early), ("t-2", URL, late), ("t-9", "https://h.example/x", early)]),
        ])
        .await;
        let tasks = find(ItemOperation::Purge, &script).await.expect("a list");
        let texts: Vec<_> = tasks
            .iter()
            .map(|task| (task.task.0.as_str(), task.created_at.as_millis() - NOW.as_millis(), task.targets.len()))
            .collect();
        assert_eq!(texts, [("t-2", 10_000, 1), ("t-1", 20_000, 2)]);
        let window = concat!(
            r#"{"StartTime":"2026-11-23 00:00:00","EndTime":"2026-11-23 00:01:31","#,
            r#""Keyword":"https://h.example/a","PurgeType":"url","Offset":0,"Limit":100}"#
        );
        assert_eq!(script.bodies()[..2], [window, r#"{"TaskId":"t-1","Offset":0,"Limit":100}"#]);
    }

    #[tokio::test]
    async fn prefetches_are_looked_for_without_a_purge_type() {
        let script = Script::start([page(0, &[])]).await;
        assert_eq!(find(ItemOperation::Prefetch, &script).await, Ok(Vec::new()));
        assert_eq!(script.requests()[0].header("x-tc-action"), Some("DescribePushTasks"));
        assert!(script.requests()[0].json().get("PurgeType").is_none());
    }

    #[tokio::test]
    async fn a_list_that_could_not_be_read_whole_is_never_an_empty_one() {
        let time = "2026-11-23 00:00:10";
        // The window's list stops short; a task's list stops short; a task has no time.
        for actions in [
            vec![page(3, &[])],
            vec![page(1, &[("t-1", URL, time)]), page(2, &[("t-1", URL, time)]), page(2, &[])],
            vec![page(1, &[("t-1", URL, time)]), page(1, &[("t-1", URL, "soon")])],
        ] {
            let calls = actions.len();
            let script = Script::start(actions).await;
            let error = find(ItemOperation::Purge, &script).await.expect_err("incomplete");
            assert_eq!(script.requests().len(), calls, "an empty page ends a listing");
            assert!(matches!(error, ReadError::Failed(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_listing_without_end_is_left_after_its_limit() {
        let rows = vec![("t-1", "https://h.example/other", "2026-11-23 00:00:10"); 100];
        let script = Script::start((0..ROWS_MAX / 100).map(|_| page(1_000_000, &rows))).await;
        let error = find(ItemOperation::Purge, &script).await.expect_err("too long");
        assert!(matches!(error, ReadError::Failed(_)), "{error:?}");
        assert_eq!(script.requests().len() as u64, ROWS_MAX / 100);
    }
}
