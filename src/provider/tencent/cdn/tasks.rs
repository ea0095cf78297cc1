//! How far a task is, by counting its rows in each status: few calls however large the batch, unless rows failed.
//!
//! Statuses move while we count. A row only ever goes from `process` to a final status, so counts taken later can only
//! be larger; the task has ended only if they add up exactly, and until then it is looked at again.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{self, ROWS_MAX};
use super::reader::CdnReader;
use super::wire::{HistoryRequest, HistoryRow};
use crate::domain::{ErrorClass, Failure, ItemOperation};
use crate::provider::{FailedRow, ReadError, TaskId, TaskProgress, TaskQuery};

pub(in super::super) async fn progress(reader: &CdnReader<'_>, query: &TaskQuery) -> Result<TaskProgress, ReadError> {
    let count = |status| history::count(reader, query.operation, request(&query.task, status));
    if count(Some("process")).await? > 0 {
        return Ok(TaskProgress::Running);
    }
    let total = count(None).await?;
    if total == 0 {
        return Ok(TaskProgress::NotListed);
    }
    // A target without a row has no outcome yet. There may be more rows than targets: one for each area.
    if total < u64::from(query.targets) {
        return Ok(TaskProgress::Running);
    }
    let done = count(Some("done")).await?;
    if done == total {
        return Ok(TaskProgress::Ended { failed: Vec::new() });
    }
    let mut failed_rows = 0;
    let mut failed = BTreeMap::new();
    for status in failed_statuses(query.operation) {
        let listing =
            history::rows(reader, query.operation, request(&query.task, Some(status)), total.min(ROWS_MAX)).await?;
        for row in listing.rows.into_iter().filter(|row| is_of(row, &query.task, status)) {
            failed_rows += 1;
            // A target that failed in two areas is one failure.
            if let Some(url) = row.url {
                failed.entry(url).or_insert(*status);
            }
        }
    }
    // The rest has a status that we don't know, or is not final after all.
    if done.saturating_add(failed_rows) != total {
        return Ok(TaskProgress::Running);
    }
    let failed = failed.into_iter().map(|(target, status)| FailedRow { target, failure: failure(status) });
    Ok(TaskProgress::Ended { failed: failed.collect() })
}

/// The targets of which every row is done.
pub(in super::super) async fn completed_targets(
    reader: &CdnReader<'_>,
    query: &TaskQuery,
) -> Result<BTreeSet<String>, ReadError> {
    let listing = history::rows(reader, query.operation, request(&query.task, None), ROWS_MAX).await?;
    let (mut done, mut unfinished) = (BTreeSet::new(), BTreeSet::new());
    for row in listing.rows.into_iter().filter(|row| row.task_id.as_ref() == Some(&query.task.0)) {
        let is_done = is_of(&row, &query.task, "done");
        if let Some(url) = row.url {
            if is_done {
                done.insert(url)
            } else {
                unfinished.insert(url)
            };
        }
    }
    Ok(&done - &unfinished)
}

fn request(task: &TaskId, status: Option<&'static str>) -> HistoryRequest {
    HistoryRequest { task_id: Some(task.0.clone()), status, ..HistoryRequest::default() }
}

const fn failed_statuses(operation: ItemOperation) -> &'static [&'static str] {
    match operation {
        ItemOperation::Purge => &["fail"],
        ItemOperation::Prefetch => &["fail", "invalid"],
    }
}

fn is_of(row: &HistoryRow, task: &TaskId, status: &str) -> bool {
    row.task_id.as_ref() == Some(&task.0) && row.status.as_ref().is_some_and(|word| word.eq_ignore_ascii_case(status))
}

/// The product gives no reason for a failed row; `invalid` says at least whose fault it is.
fn failure(status: &str) -> Failure {
    match status {
        "invalid" => Failure::new(
            ErrorClass::BadTarget,
            status,
            "the origin answered the prefetch with a 4xx or 5xx status; check what it serves at this URL",
        ),
        _ => Failure::new(ErrorClass::Outage, status, "the provider reports the row as failed and gives no reason"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::provider::tencent::tests::scripted_server::{CallCounter, Script, ServerAction, ok};

    fn page(total: u64, rows: &str) -> ServerAction {
        ok(&format!(r#","TotalCount":{total},"PurgeLogs":[{rows}]"#))
    }

    fn row(url: &str, status: &str) -> String {
        format!(r#"{{"TaskId":"t-1","Url":"{url}","Status":"{status}"}}"#)
    }

    fn rows(range: std::ops::Range<u32>, status: &str) -> String {
        range.map(|number| row(&format!("u{number}"), status)).collect::<Vec<_>>().join(",")
    }

    async fn progress_of(operation: ItemOperation, targets: u32, script: &Script) -> Result<TaskProgress, ReadError> {
        let limiter = CallCounter::default();
        let query = TaskQuery { operation, task: TaskId("t-1".to_owned()), targets };
        let progress = script.client().task_progress(&query, &limiter).await;
        assert_eq!(script.remaining(), 0, "every answer was asked for");
        assert_eq!(limiter.calls(), script.requests().len(), "every call has its own token");
        progress
    }

    async fn purge(targets: u32, actions: impl IntoIterator<Item = ServerAction>) -> TaskProgress {
        progress_of(ItemOperation::Purge, targets, &Script::start(actions).await).await.expect("progress")
    }

    fn failed(progress: &TaskProgress) -> Vec<(&str, &str, ErrorClass)> {
        let TaskProgress::Ended { failed } = progress else { panic!("{progress:?}") };
        failed.iter().map(|row| (row.target.as_str(), row.failure.code.as_str(), row.failure.class)).collect()
    }

    #[tokio::test]
    async fn a_running_task_costs_one_call_and_a_done_one_three_whatever_its_size() {
        assert_eq!(purge(1_000, [page(1, "")]).await, TaskProgress::Running);
        let script = Script::start([page(0, ""), page(1_000, ""), page(1_000, "")]).await;
        let progress = progress_of(ItemOperation::Purge, 1_000, &script).await.expect("progress");
        assert!(failed(&progress).is_empty());
        let texts = [
            r#"{"TaskId":"t-1","Status":"process","Offset":0,"Limit":1}"#,
            r#"{"TaskId":"t-1","Offset":0,"Limit":1}"#,
            r#"{"TaskId":"t-1","Status":"done","Offset":0,"Limit":1}"#,
        ];
        assert_eq!(script.bodies(), texts);
    }

    #[tokio::test]
    async fn a_task_without_rows_is_not_listed_yet() {
        assert_eq!(purge(1, [page(0, ""), page(0, "")]).await, TaskProgress::NotListed);
        let null = || ok(r#","TotalCount":0,"PurgeLogs":null"#);
        assert_eq!(purge(1, [null(), null()]).await, TaskProgress::NotListed);
    }

    #[tokio::test]
    async fn fewer_rows_than_targets_is_not_the_end() {
        assert_eq!(purge(3, [page(0, ""), page(2, "")]).await, TaskProgress::Running);
    }

    #[tokio::test]
    async fn a_row_for_each_area_is_counted_and_a_target_failed_twice_is_named_once() {
        assert!(failed(&purge(2, [page(0, ""), page(4, ""), page(4, "")]).await).is_empty());
        let both = format!("{},{}", row("u1", "fail"), row("u1", "FAIL"));
        let progress = purge(2, [page(0, ""), page(4, ""), page(2, ""), page(2, &both)]).await;
        assert_eq!(failed(&progress), [("u1", "fail", ErrorClass::Outage)]);
    }

    #[tokio::test]
    async fn failed_rows_are_paged_through_even_if_the_provider_caps_its_pages() {
        let script = Script::start([
            page(0, ""),
            page(250, ""),
            page(100, ""),
            page(150, &rows(0..100, "Fail")),
            page(150, &rows(100..130, "fail")),
            page(150, &rows(130..150, "fail")),
        ]);
        let script = script.await;
        let progress = progress_of(ItemOperation::Purge, 250, &script).await.expect("progress");
        assert_eq!(failed(&progress).len(), 150);
        let pages: Vec<_> = script.requests()[3..].iter().map(|request| request.json()["Offset"].as_u64()).collect();
        assert_eq!(pages, [Some(0), Some(100), Some(130)]);
        assert_eq!(script.bodies()[3], r#"{"TaskId":"t-1","Status":"fail","Offset":0,"Limit":100}"#);
    }

    #[tokio::test]
    async fn a_prefetch_that_the_origin_refused_is_a_bad_target() {
        let push = |total: u64, rows: &str| ok(&format!(r#","TotalCount":{total},"PushLogs":[{rows}]"#));
        let actions =
            [push(0, ""), push(3, ""), push(1, ""), push(1, &row("u1", "fail")), push(1, &row("u2", "invalid"))];
        let script = Script::start(actions).await;
        let progress = progress_of(ItemOperation::Prefetch, 3, &script).await.expect("progress");
        assert_eq!(failed(&progress), [("u1", "fail", ErrorClass::Outage), ("u2", "invalid", ErrorClass::BadTarget)]);
        assert_eq!(script.requests()[0].header("x-tc-action"), Some("DescribePushTasks"));
    }

    #[tokio::test]
    async fn an_unknown_status_is_still_running() {
        assert_eq!(purge(3, [page(0, ""), page(3, ""), page(2, ""), page(0, "")]).await, TaskProgress::Running);
    }

    #[tokio::test]
    async fn rows_of_other_tasks_and_other_statuses_are_not_taken_for_ours() {
        let other = r#"{"TaskId":"t-2","Url":"u9","Status":"fail"}"#;
        let strange = format!("{other},{},{{}}", row("u1", "done"));
        let progress = purge(3, [page(0, ""), page(3, ""), page(2, ""), page(3, &strange)]).await;
        assert_eq!(progress, TaskProgress::Running);
    }

    #[tokio::test]
    async fn a_list_that_never_ends_is_left_after_as_many_rows_as_there_can_be() {
        let full = || page(1_000_000, &rows(0..100, "fail"));
        let actions = [page(0, ""), page(150, ""), page(0, ""), full(), full()];
        assert_eq!(purge(150, actions).await, TaskProgress::Running);
    }

    #[tokio::test]
    async fn a_page_with_more_rows_than_asked_for_is_cut() {
        let actions = [page(0, ""), page(100, ""), page(0, ""), page(100, &rows(0..500, "fail"))];
        assert_eq!(failed(&purge(100, actions).await).len(), 100);
    }

    #[tokio::test]
    async fn a_list_without_a_count_is_a_fault() {
        let script = Script::start([ok(r#","PurgeLogs":[]"#)]).await;
        let error = progress_of(ItemOperation::Purge, 1, &script).await.expect_err("no count");
        assert!(matches!(error, ReadError::Failed(_)), "{error:?}");
    }
}
