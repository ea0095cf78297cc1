//! Pages of a list: how a query asks for one, and the cursor of the next.

use axum::extract::rejection::QueryRejection;

use super::problem::ApiError;
use super::wire::ListAnswer;
use crate::store::Page;

/// Rows of a page.
const ROWS_MAX: u32 = 500;
const ROWS_DEFAULT: u32 = 100;

pub(super) fn wrong_query(rejection: &QueryRejection) -> ApiError {
    ApiError::fault("", "wrong_query", rejection.body_text())
}

/// The page that a query asks for.
pub(super) fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, ApiError> {
    let limit = limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(ApiError::fault("", "wrong_query", format!("limit is 1 to {ROWS_MAX}")));
    }
    let after = match cursor.map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(ApiError::fault("", "wrong_query", "cursor is a next_cursor of an earlier page")),
    };
    Ok(Page { after, limit })
}

/// A page with the way to the next one: a page that is not full is the last.
pub(super) fn list<T>(items: Vec<T>, last: Option<i64>, page: Page) -> ListAnswer<T> {
    let is_full = items.len() >= usize::try_from(page.limit).unwrap_or(usize::MAX);
    ListAnswer { next_cursor: last.filter(|_| is_full).map(|last| last.to_string()), items }
}
