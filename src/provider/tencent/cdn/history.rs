//! Pages through `DescribePurgeTasks` and `DescribePushTasks`. The largest `Limit`, and whether a row stands for a URL
//! or for a URL in an area, are not documented: nothing here depends on either.

use super::reader::CdnReader;
use super::wire::{HistoryPage, HistoryRequest, HistoryRow};
use crate::domain::{ErrorClass, Failure, ItemOperation};
use crate::provider::{ApiAction, ReadError};

/// Rows asked for in one call; more than 100 is not documented.
const PAGE_ROWS_MAX: usize = 100;
/// What every call may ask for, because it is the default.
const PAGE_ROWS_DEFAULT: usize = 20;
/// Rows read of one listing. A task has at most 1,000 targets in two areas; the provider's console stops at 10,000.
pub(super) const ROWS_MAX: u64 = 20_000;

/// The rows of one listing, and how many there are.
pub(super) struct HistoryRows {
    pub(super) rows: Vec<HistoryRow>,
    pub(super) total: u64,
    /// Whether all of them were read.
    pub(super) complete: bool,
}

pub(in super::super) const fn action(operation: ItemOperation) -> ApiAction {
    match operation {
        ItemOperation::Purge => ApiAction("DescribePurgeTasks"),
        ItemOperation::Prefetch => ApiAction("DescribePushTasks"),
    }
}

/// How many rows there are.
pub(super) async fn count(
    reader: &CdnReader<'_>,
    operation: ItemOperation,
    request: HistoryRequest,
) -> Result<u64, ReadError> {
    let request = HistoryRequest { limit: 1, ..request };
    total(&reader.call(action(operation), &request).await?)
}

/// The rows themselves, at most `rows_max` of them.
pub(super) async fn rows(
    reader: &CdnReader<'_>,
    operation: ItemOperation,
    request: HistoryRequest,
    rows_max: u64,
) -> Result<HistoryRows, ReadError> {
    let mut rows = Vec::new();
    let (mut offset, mut limit) = (0, PAGE_ROWS_MAX);
    loop {
        let request = HistoryRequest { offset, limit: limit as u64, ..request.clone() };
        let page: HistoryPage = match reader.call(action(operation), &request).await {
            // A parameter is not liked: perhaps the figure that no page confirms.
            Err(ReadError::Failed(failure)) if failure.class == ErrorClass::BadTarget && limit > PAGE_ROWS_DEFAULT => {
                limit = PAGE_ROWS_DEFAULT;
                continue;
            }
            page => page?,
        };
        let total = total(&page)?;
        let before = rows.len();
        rows.extend(page.purge_logs.unwrap_or_default().into_iter().take(limit));
        let read = (rows.len() - before) as u64;
        offset += read;
        // An empty page ends the listing whatever the total says; a short one does not, for the provider may cap pages
        // at fewer rows than were asked for.
        let complete = offset >= total;
        if complete || read == 0 || offset >= rows_max {
            return Ok(HistoryRows { rows, total, complete });
        }
    }
}

fn total(page: &HistoryPage) -> Result<u64, ReadError> {
    page.total_count.ok_or_else(|| unexpected_response("the provider's task list has no TotalCount"))
}

pub(super) fn unexpected_response(message: &str) -> ReadError {
    ReadError::Failed(Failure::new(ErrorClass::Outage, "answer_senseless", message))
}
