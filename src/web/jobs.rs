//! The overview: the newest jobs, how far each is, and why it waits.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Web, page};
use crate::domain::{JobStatus, Timestamp, Verification};
use crate::service::{Caller, JobSearch, JobView};

/// Jobs on the page.
const JOBS_MAX: u32 = 50;

#[derive(Template)]
#[template(path = "overview.html")]
struct JobsPage {
    version: &'static str,
    sandbox_accounts: String,
    now: String,
    rows: Vec<JobRow>,
}

struct JobRow {
    id: String,
    operation: String,
    source: String,
    created_at: String,
    /// A mark beside the word, so that colour is never alone.
    status_mark: &'static str,
    status: String,
    verification_mark: &'static str,
    verification: String,
    done: u32,
    total: u32,
    failed: u32,
    waiting: String,
}

pub(super) async fn overview(State(web): State<Web>) -> Response {
    let jobs = match web.service.search(&Caller::local(), &JobSearch::default(), None, JOBS_MAX).await {
        Ok(page) => page.views,
        Err(error) => {
            tracing::error!(error = ?error, "the page could not read the jobs");
            return (StatusCode::INTERNAL_SERVER_ERROR, "The database cannot be read; the daemon's log tells why.\n")
                .into_response();
        }
    };
    let overview = JobsPage {
        version: env!("CARGO_PKG_VERSION"),
        sandbox_accounts: web.sandbox_accounts.join(", "),
        now: time(web.service.clock.now()),
        rows: jobs.iter().map(row).collect(),
    };
    match overview.render() {
        Ok(html) => page(html),
        Err(error) => {
            tracing::error!(error = %error, "the page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn row(view: &JobView) -> JobRow {
    let job = &view.job;
    let status = job.counts.status(job.started);
    let total = job.counts.total();
    JobRow {
        id: job.id.to_string(),
        operation: job.operation.to_string(),
        source: job.source.clone().unwrap_or_default(),
        created_at: time(job.created_at),
        status_mark: match status {
            JobStatus::Pending | JobStatus::Running => "…",
            JobStatus::Succeeded => "✓",
            JobStatus::Partial => "!",
            JobStatus::Failed | JobStatus::Cancelled | JobStatus::Expired => "✗",
        },
        status: status.to_string(),
        verification_mark: match job.verification {
            Verification::None => "–",
            Verification::Pending => "…",
            Verification::Fresh => "✓",
            Verification::Stale => "✗",
            Verification::Unknown => "?",
        },
        verification: job.verification.to_string(),
        done: total - job.counts.pending - job.counts.submitted,
        total,
        failed: job.counts.failed,
        waiting: view.waiting.as_ref().map(|waiting| waiting.why.detail.clone()).unwrap_or_default(),
    }
}

/// A moment for people: UTC, to the second.
fn time(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_string()
}
