//! Reads those items of a job that are worth showing to a person.

use super::api_client::ApiClient;
use crate::api::wire::JobAnswer;
use crate::cli::error::CliError;
use crate::cli::output::report::{Selection, has_problem_items};

/// At most so many pages (of 500 items) are searched for items with problems: a person has waited long enough then.
const PAGES_MAX: usize = 100;

/// Reads until `count` items with problems and `count` others are selected, or there can be no more.
pub(crate) async fn select_items(client: &ApiClient, job: &JobAnswer, count: usize) -> Result<Selection, CliError> {
    let (mut selection, mut cursor) = (Selection::default(), None);
    for _ in 0..PAGES_MAX {
        let page = client.items(&job.id, cursor.as_deref()).await?;
        selection.add(page.items, count);
        cursor = page.next_cursor;
        if cursor.is_none() || selection.problems.len() == count || !has_problem_items(job) {
            break;
        }
    }
    selection.others.truncate(count - selection.problems.len());
    Ok(selection)
}
