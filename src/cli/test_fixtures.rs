//! Sample jobs and items for the tests of commands.

use std::collections::BTreeMap;

use crate::api::wire::{CountsAnswer, ErrorAnswer, ItemAnswer, JobAnswer};

pub(super) fn job(status: &str, verification: &str) -> JobAnswer {
    JobAnswer {
        id: "job_0192f3a000007000800000000000002a".to_owned(),
        operation: "purge".into(),
        status: status.to_owned().into(),
        counts: CountsAnswer { total: 3, pending: 0, submitted: 0, succeeded: 3, failed: 0, cancelled: 0, expired: 0 },
        merged: 0,
        verification: verification.to_owned().into(),
        waiting: None,
        warnings: Vec::new(),
        retry_of: None,
        priority: "normal".into(),
        labels: BTreeMap::new(),
        source: None,
        tenant: "local".to_owned(),
        not_before: None,
        deadline: None,
        created_at: "2026-11-22T10:00:00Z".to_owned(),
        finished_at: None,
    }
}

pub(super) fn item(target: &str, state: &str) -> ItemAnswer {
    ItemAnswer {
        target: target.to_owned(),
        kind: "url".to_owned(),
        operation: "purge".to_owned(),
        state: state.to_owned(),
        attempts: 1,
        task_id: None,
        request_id: None,
        error: (state == "failed").then(|| ErrorAnswer {
            class: "domain_state".to_owned(),
            code: "ResourceUnavailable.CdnHostIsNotOnline".to_owned(),
            message: "the domain is not online".to_owned(),
            advice: "Bring the domain back online in the provider's console, or finish its migration, then retry."
                .to_owned(),
        }),
        verification: "none".to_owned(),
        seen: None,
    }
}
