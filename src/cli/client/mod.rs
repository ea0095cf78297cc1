//! Calls a running daemon over HTTP and follows a job to its end.

mod api_client;
mod environment;
mod poll;
mod progress;
mod retry_policy;
mod select_items;
mod transport;
pub(super) mod wait;

pub(super) use api_client::{ApiClient, PAGE_ROWS};
pub(super) use select_items::select_items;
