//! What a scripted daemon says of one job.

use serde_json::{Value, json};

use super::scripted_daemon::Reply;

pub(crate) const ID: &str = "job_0192f3a000007000800000000000002a";

pub(crate) fn job(status: &str, verification: &str) -> Value {
    let (succeeded, failed, submitted) = match status {
        "succeeded" => (2, 0, 0),
        "partial" => (1, 1, 0),
        "failed" => (0, 2, 0),
        _ => (0, 0, 2),
    };
    json!({
        "id": ID, "operation": "purge", "status": status,
        "counts": {"total": 2, "pending": 0, "submitted": submitted, "succeeded": succeeded, "failed": failed,
                   "cancelled": 0, "expired": 0},
        "merged": 0, "verification": verification, "waiting": null, "warnings": [], "retry_of": null,
        "priority": "normal", "labels": {}, "source": null, "tenant": "local", "not_before": null, "deadline": null,
        "created_at": "2026-11-22T10:00:00Z", "finished_at": null,
    })
}

pub(crate) fn item(target: &str, state: &str, verification: &str) -> Value {
    let error = json!({"class": "domain_state", "code": "ResourceUnavailable.CdnHostIsNotOnline",
                       "message": "it is offline\u{1b}[2J", "advice": "Bring the domain back online."});
    json!({"target": target, "kind": "url", "operation": "purge", "state": state, "attempts": 1, "task_id": null,
           "request_id": null, "error": if state == "failed" { error } else { Value::Null },
           "verification": verification, "seen": null})
}

pub(crate) fn list(items: &[Value], next: Option<&str>) -> Reply {
    Reply::json(200, &json!({"items": items, "next_cursor": next}))
}

pub(crate) fn problem(status: u16, code: &str, errors: &Value) -> Reply {
    Reply::json(
        status,
        &json!({"type": "about:blank", "title": code, "status": status, "code": code, "detail": format!("{code}, said the daemon"),
                "request_id": "req_1", "retryable": status == 503, "retry_after_s": null, "errors": errors}),
    )
}
