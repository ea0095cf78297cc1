//! What holds of any bytes that come back as replies, whatever was asked: no panic, an end, nothing kept without a
//! bound, and no success that the reply does not spell out. `fuzz/` tries it on what it finds, the tests on the corpus.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use futures_util::FutureExt;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::response::{CallError, lost};
use super::{CredentialProvider, Credentials, TencentCdn, TencentOptions};
use crate::clock::ManualClock;
use crate::domain::{AccountName, Area, Failure, ItemOperation, Lane, Target, TargetKind, Timestamp};
use crate::provider::{
    ApiAction, CallLimiter, FindQuery, Provider, ReadError, SubmitOutcome, TaskId, TaskProgress, TaskQuery,
};

/// 2026-11-22 16:00:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_363_200_000);
/// The longest of what is kept of a reply: its texts are shown to people and written to disk.
const TEXT_CHARS_MAX: usize = 1_200;
const ID_BYTES_MAX: usize = 256;
/// Between two replies of one input.
const BETWEEN: u8 = b'\n';

const OPERATIONS: [ItemOperation; 2] = [ItemOperation::Purge, ItemOperation::Prefetch];

/// The replies that are left, in place of a network. After the last one the connection breaks.
#[derive(Default)]
pub(super) struct ScriptedReplies(Mutex<VecDeque<Vec<u8>>>);

impl ScriptedReplies {
    pub(super) fn next(&self) -> Result<Vec<u8>, CallError> {
        self.0.lock().expect("one user").pop_front().ok_or_else(|| lost("connection_lost", "no reply is left"))
    }

    fn fill(&self, replies: &[&[u8]]) {
        *self.0.lock().expect("one user") = replies.iter().map(|reply| reply.to_vec()).collect();
    }
}

/// Holds the law for one input, read as the replies to every kind of call. Returns how many calls succeeded.
///
/// # Panics
/// If the law is broken.
pub fn provider_replies(bytes: &[u8]) -> usize {
    static CLIENT: OnceLock<TencentCdn> = OnceLock::new();
    let provider = CLIENT.get_or_init(client);
    // Tests share the one client and take turns.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    let replies: Vec<&[u8]> = bytes.split(|byte| *byte == BETWEEN).collect();
    let fill = || provider.client.replies.as_ref().expect("scripted").fill(&replies);
    let mut succeeded = 0;
    for operation in OPERATIONS {
        fill();
        succeeded += usize::from(submit(provider, operation, replies[0]));
        fill();
        succeeded += usize::from(task_progress(provider, operation));
        fill();
        succeeded += usize::from(find_tasks(provider, operation));
        fill();
        succeeded += usize::from(quota(provider, operation));
    }
    succeeded
}

fn submit(provider: &TencentCdn, operation: ItemOperation, reply: &[u8]) -> bool {
    let lane =
        Lane { account: AccountName::new("main"), operation, kind: TargetKind::Url, area: Area::Own, mode: None };
    match now(provider.submit(&lane, &[target()])) {
        SubmitOutcome::Accepted { task, request_id } => {
            assert_id(&task);
            if let Some(value) = parse_value(reply) {
                let text = &value["Response"];
                assert_eq!(text["TaskId"].as_str(), Some(task.0.as_str()), "the task that was named");
                assert!(text["Error"].is_null() && text["RequestId"].is_string(), "{text} is no success");
            }
            assert!(request_id.is_some_and(|id| !id.trim().is_empty()), "every answer has an id");
            true
        }
        SubmitOutcome::Throttled(failure)
        | SubmitOutcome::QuotaSpent(failure)
        | SubmitOutcome::TooMany(failure)
        | SubmitOutcome::TargetRefused(failure)
        | SubmitOutcome::HostRefused(failure)
        | SubmitOutcome::HostUnready(failure)
        | SubmitOutcome::AccountRefused(failure)
        | SubmitOutcome::Outage(failure) => {
            if let Some(reason) = parse_value(reply) {
                assert!(reason["Response"]["Error"].is_object(), "{reason} does not say that nothing was done");
            }
            assert_bounded(&failure);
            false
        }
        SubmitOutcome::Lost(failure) => {
            assert_bounded(&failure);
            false
        }
        SubmitOutcome::NotSent(failure) => panic!("a reply came, so it was sent: {failure:?}"),
    }
}

/// What an answer that was understood says. It is JSON; none if a field that nobody reads holds what is no text, such as half of a
/// surrogate pair.
fn parse_value(reply: &[u8]) -> Option<Value> {
    let _: IgnoredAny = serde_json::from_slice(reply).expect("only JSON is understood");
    serde_json::from_slice(reply).ok()
}

fn task_progress(provider: &TencentCdn, operation: ItemOperation) -> bool {
    let query = TaskQuery { operation, task: TaskId("t-1".to_owned()), targets: 1 };
    match now(provider.task_progress(&query, &Unlimited)) {
        Ok(TaskProgress::Ended { failed }) => {
            failed.iter().for_each(|row| assert_bounded(&row.failure));
            true
        }
        Ok(TaskProgress::NotListed | TaskProgress::Running) => true,
        Err(error) => assert_failure_bounded(&error),
    }
}

fn find_tasks(provider: &TencentCdn, operation: ItemOperation) -> bool {
    let (since, until) = (NOW, Timestamp::from_millis(NOW.as_millis() + 60_000));
    let query = FindQuery { operation, kind: TargetKind::Url, target: target(), since, until };
    match now(provider.find_tasks(&query, &Unlimited)) {
        Ok(tasks) => {
            tasks.iter().for_each(|task| assert_id(&task.task));
            assert!(tasks.iter().all(|task| !task.targets.is_empty()), "a task of nothing");
            assert!(tasks.is_sorted_by_key(|task| task.created_at), "oldest first");
            true
        }
        Err(error) => assert_failure_bounded(&error),
    }
}

fn quota(provider: &TencentCdn, operation: ItemOperation) -> bool {
    match now(provider.quota(operation, &Unlimited)) {
        Ok(readings) => {
            for reading in readings {
                assert!(reading.operation == operation && reading.batch > 0, "{reading:?}");
                assert!([Area::Mainland, Area::Overseas].contains(&reading.area), "{reading:?}");
            }
            true
        }
        Err(error) => assert_failure_bounded(&error),
    }
}

fn assert_failure_bounded(error: &ReadError) -> bool {
    assert_bounded(error.failure());
    false
}

fn assert_bounded(failure: &Failure) {
    let Failure { code, message, request_id, .. } = failure;
    for text in [Some(code), Some(message), request_id.as_ref()].into_iter().flatten() {
        assert!(text.chars().count() <= TEXT_CHARS_MAX, "{} characters are kept of a reply", text.chars().count());
    }
}

fn assert_id(task: &TaskId) {
    assert!(!task.0.trim().is_empty() && task.0.len() <= ID_BYTES_MAX, "{:?} is no task id", task.0);
}

fn target() -> Target {
    Target::parse(TargetKind::Url, "https://www.example.com/a").expect("a target")
}

/// Nothing waits: replies are there at once, and no call asks the clock for a pause.
fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("nothing to wait for")
}

fn client() -> TencentCdn {
    let credentials = Credentials::new("AKIDEXAMPLE".to_owned(), SecretString::from("key"), None);
    let mut provider = TencentCdn::new(TencentOptions {
        endpoint: "http://127.0.0.1:9/".parse().expect("a URL"),
        keys: CredentialProvider::from_pair(credentials.expect("a key pair")),
        clock: Arc::new(ManualClock::new(NOW)),
    })
    .expect("a client");
    provider.client.replies = Some(ScriptedReplies::default());
    provider
}

/// Lets every call pass.
struct Unlimited;

#[async_trait]
impl CallLimiter for Unlimited {
    async fn acquire(&self, _: ApiAction) {}

    fn on_throttled(&self, _: ApiAction) {}

    fn release(&self, _: ApiAction) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_a_reply_is_judged_within_bounds() {
        let samples = crate::corpus::samples("provider_replies");
        let succeeded = samples.iter().filter(|sample| provider_replies(sample) > 0).count();
        assert!(succeeded > 0 && succeeded < samples.len(), "{succeeded} succeeded: one side was never tried");
    }
}
