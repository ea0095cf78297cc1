//! Finding jobs: from the words of a query to what the store looks for, or every fault at once.

use std::str::FromStr;

use super::{Caller, InputError, JobPage, Service, ServiceError};
use crate::domain::{JobStatus, Operation, Target, TargetKind, TenantName, Timestamp, host_name};
use crate::store::{FreeTextQuery, JobFilter};

/// What is looked for, as a query words it. Unset conditions do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobSearch {
    pub status: Option<String>,
    pub operation: Option<String>,
    pub host: Option<String>,
    pub target: Option<String>,
    /// `key=value`
    pub label: Option<String>,
    pub source: Option<String>,
    pub tenant: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub task_id: Option<String>,
    pub q: Option<String>,
}

impl Service {
    /// The caller's jobs that fit, newest first, after the one that the cursor names.
    ///
    /// # Errors
    /// Every fault of the query; the caller may not look; the store cannot be read.
    pub async fn search(
        &self,
        caller: &Caller,
        search: &JobSearch,
        before: Option<i64>,
        limit: u32,
    ) -> Result<JobPage, ServiceError> {
        let asked_tenant = search.tenant.as_deref().map(TenantName::new);
        let tenant = match (caller.visible()?, asked_tenant) {
            // Another tenant's jobs do not exist for this caller.
            (Some(own), Some(other)) if *own != other => return Ok(JobPage { views: Vec::new(), next: None }),
            (Some(own), _) => Some(own.clone()),
            (None, name) => name,
        };
        if *search == (JobSearch { tenant: search.tenant.clone(), ..JobSearch::default() }) {
            let jobs = self.store.jobs(tenant.as_ref(), before, limit).await?;
            return self.page(caller, jobs, limit).await;
        }
        let filter = filter(search, tenant).map_err(ServiceError::Invalid)?;
        let jobs = self.store.find_jobs(&filter, before, limit).await?;
        self.page(caller, jobs, limit).await
    }
}

fn filter(search: &JobSearch, tenant: Option<TenantName>) -> Result<JobFilter, Vec<InputError>> {
    let mut faults = Vec::new();
    let filter = JobFilter {
        tenant,
        status: word::<JobStatus>("status", search.status.as_ref(), &mut faults),
        operation: word::<Operation>("operation", search.operation.as_ref(), &mut faults),
        host: read("host", search.host.as_ref(), host_name, "a host name", &mut faults),
        target: read(
            "target",
            search.target.as_ref(),
            normal_target,
            "a URL or directory as a job names it",
            &mut faults,
        ),
        label: read("label", search.label.as_ref(), label, "key=value", &mut faults),
        source: search.source.clone(),
        since: read("since", search.since.as_ref(), moment, "an RFC 3339 time", &mut faults),
        until: read("until", search.until.as_ref(), moment, "an RFC 3339 time", &mut faults),
        task_id: search.task_id.clone(),
        exactly: search.q.as_ref().map(|text| exactly(text)),
    };
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}

fn word<T: FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&String>,
    faults: &mut Vec<InputError>,
) -> Option<T> {
    text?.parse().map_err(|error: T::Err| faults.push(fault(name, &error.to_string()))).ok()
}

fn read<T>(
    name: &str,
    text: Option<&String>,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
    faults: &mut Vec<InputError>,
) -> Option<T> {
    let text = text?;
    let parsed = parse(text);
    if parsed.is_none() {
        faults.push(fault(name, &format!("{text:?} is not {expected}")));
    }
    parsed
}

/// A query has no JSON to point into: the fault names the parameter.
fn fault(name: &str, detail: &str) -> InputError {
    InputError { pointer: String::new(), code: "wrong_query", detail: format!("{name}: {detail}") }
}

/// URL and directory of one text have one normal form, so either reading will do.
fn normal_target(text: &str) -> Option<String> {
    TargetKind::ALL.iter().find_map(|kind| Target::parse(*kind, text).ok()).map(|target| target.to_string())
}

fn label(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

fn exactly(text: &str) -> FreeTextQuery {
    let host = host_name(text);
    FreeTextQuery { job: text.parse().ok(), target: normal_target(text), text: host.unwrap_or_else(|| text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_query_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let search = JobSearch {
            status: some("done"),
            operation: some("wipe"),
            host: some("a b"),
            target: some("no url"),
            label: some("release"),
            since: some("yesterday"),
            ..JobSearch::default()
        };
        let faults = filter(&search, None).expect_err("faults");
        let named: Vec<&str> = faults.iter().filter_map(|fault| fault.detail.split(':').next()).collect();
        assert_eq!(named, ["status", "operation", "host", "target", "label", "since"]);
    }

    #[test]
    fn equal_forms_are_looked_for_as_they_are_kept() {
        let search = JobSearch { target: Some("HTTPS://WWW.Example.com:443/a".to_owned()), ..JobSearch::default() };
        let filter = filter(&search, None).expect("a filter");
        assert_eq!(filter.target.as_deref(), Some("https://www.example.com/a"));
        assert_eq!(exactly("WWW.Example.com").text, "www.example.com");
        assert_eq!(exactly("1533045796-i60rfmzm").text, "1533045796-i60rfmzm");
    }
}
