//! Sends a batch: `PurgeUrlsCache`, `PurgePathCache` or `PushUrlsCache`, by the lane.

use super::super::client::TencentClient;
use super::wire::{PathsRequest, SubmitResponse, UrlsRequest};
use crate::domain::{Area, ErrorClass, Failure, ItemOperation, Lane, Mode, Target, TargetKind};
use crate::provider::tencent::error_codes;
use crate::provider::tencent::response::{ApiReply, CallError};
use crate::provider::{ApiAction, SubmitOutcome, TaskId};

const PURGE_URLS: ApiAction = ApiAction("PurgeUrlsCache");
const PURGE_PATHS: ApiAction = ApiAction("PurgePathCache");
const PUSH_URLS: ApiAction = ApiAction("PushUrlsCache");

/// Longest task id in bytes that is taken for one; published ones have under 30.
const TASK_BYTES_MAX: usize = 256;

pub(in super::super) const fn action(lane: &Lane) -> ApiAction {
    match (lane.operation, lane.kind) {
        (ItemOperation::Purge, TargetKind::Url) => PURGE_URLS,
        (ItemOperation::Purge, TargetKind::Directory) => PURGE_PATHS,
        (ItemOperation::Prefetch, _) => PUSH_URLS,
    }
}

pub(in super::super) async fn submit(client: &TencentClient, lane: &Lane, targets: &[Target]) -> SubmitOutcome {
    let action = action(lane).0;
    let texts = targets.iter().map(Target::as_str).collect();
    let answer = match (lane.operation, lane.kind) {
        (ItemOperation::Purge, TargetKind::Url) => {
            client.call(action, &UrlsRequest { urls: texts, area: purge_area(lane.area) }).await
        }
        (ItemOperation::Purge, TargetKind::Directory) => {
            let flush_type = flush_type(lane.mode);
            client.call(action, &PathsRequest { paths: texts, flush_type, area: purge_area(lane.area) }).await
        }
        (ItemOperation::Prefetch, TargetKind::Url) => {
            client.call(action, &UrlsRequest { urls: texts, area: Some(prefetch_area(lane.area)) }).await
        }
        (ItemOperation::Prefetch, TargetKind::Directory) => {
            // The doors refuse it. Sent as a URL it would fetch the directory's index page: not what was written.
            let failure = Failure::new(ErrorClass::BadTarget, "directory_prefetch", "a directory cannot be prefetched");
            return SubmitOutcome::TargetRefused(failure);
        }
    };
    match answer {
        Ok(reply) => accepted(reply),
        Err(fault) => error_codes::submit_outcome(fault),
    }
}

/// The call that would carry one target, for a person; none if there is no such call.
pub(in super::super) fn sample(client: &TencentClient, lane: &Lane, target: &Target) -> Option<String> {
    let texts = vec![target.as_str()];
    let body = match (lane.operation, lane.kind) {
        (ItemOperation::Purge, TargetKind::Url) => {
            serde_json::to_string_pretty(&UrlsRequest { urls: texts, area: purge_area(lane.area) })
        }
        (ItemOperation::Purge, TargetKind::Directory) => {
            let (flush_type, area) = (flush_type(lane.mode), purge_area(lane.area));
            serde_json::to_string_pretty(&PathsRequest { paths: texts, flush_type, area })
        }
        (ItemOperation::Prefetch, TargetKind::Url) => {
            serde_json::to_string_pretty(&UrlsRequest { urls: texts, area: Some(prefetch_area(lane.area)) })
        }
        (ItemOperation::Prefetch, TargetKind::Directory) => return None,
    };
    Some(client.sample(action(lane).0, &body.ok()?))
}

fn accepted(reply: ApiReply<SubmitResponse>) -> SubmitOutcome {
    let request_id = Some(reply.request_id);
    match task_id(reply.fields.task_id) {
        Some(task) => SubmitOutcome::Accepted { task, request_id },
        None => {
            let failure =
                Failure::new(ErrorClass::Lost, "no_task_id", "the provider named no task, so it may have made one");
            error_codes::submit_outcome(CallError::Lost(failure.with_request_id(request_id)))
        }
    }
}

/// The handle of a task, if that is what the provider wrote.
pub(super) fn task_id(written: Option<String>) -> Option<TaskId> {
    written.filter(|id| !id.trim().is_empty() && id.len() <= TASK_BYTES_MAX).map(TaskId)
}

/// Without an area a purge covers the domain's whole area, which is what both `own` and `global` ask for.
const fn purge_area(area: Area) -> Option<&'static str> {
    match area {
        Area::Own | Area::Global => None,
        Area::Mainland | Area::Overseas => Some(area.as_str()),
    }
}

/// Without an area the provider prefetches to the mainland only, and says nothing. What is known to be in one area only
/// comes with it; `own` asks for both: a domain that has only one then fails with a visible `CdnParamError`, which is better than an
/// overseas edge that silently stays cold.
const fn prefetch_area(area: Area) -> &'static str {
    match area {
        Area::Own | Area::Global => Area::Global.as_str(),
        Area::Mainland | Area::Overseas => area.as_str(),
    }
}

const fn flush_type(mode: Option<Mode>) -> &'static str {
    match mode {
        Some(Mode::Invalidate) => "flush",
        Some(Mode::Delete) | None => "delete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountName;
    use crate::provider::Provider;
    use crate::provider::tencent::tests::scripted_server::{Script, ok};

    fn lane(operation: ItemOperation, kind: TargetKind, area: Area, mode: Option<Mode>) -> Lane {
        Lane { account: AccountName::new("main"), operation, kind, area, mode }
    }

    async fn body(lane: &Lane, targets: &[&str]) -> (String, String) {
        let script = Script::start([ok(r#","TaskId":"1533045796-i60rfmzm""#)]).await;
        let targets: Vec<Target> =
            targets.iter().map(|text| Target::parse(lane.kind, text).expect("a target")).collect();
        let answer = script.client().submit(lane, &targets).await;
        let task = TaskId("1533045796-i60rfmzm".to_owned());
        assert_eq!(answer, SubmitOutcome::Accepted { task, request_id: Some("req-1".to_owned()) });
        let request = script.requests().remove(0);
        (request.header("x-tc-action").expect("an action").to_owned(), request.body)
    }

    #[tokio::test]
    async fn each_lane_sends_its_own_action_and_nothing_that_was_not_asked_for() {
        use Area::{Global, Mainland, Overseas, Own};
        use ItemOperation::{Prefetch, Purge};
        use TargetKind::{Directory, Url};
        let url = "https://h.example/a?b=c&d=%2F";
        for (lane, name, expected) in [
            (lane(Purge, Url, Own, None), "PurgeUrlsCache", r#"{"Urls":["T"]}"#),
            (lane(Purge, Url, Global, None), "PurgeUrlsCache", r#"{"Urls":["T"]}"#),
            (lane(Purge, Url, Mainland, None), "PurgeUrlsCache", r#"{"Urls":["T"],"Area":"mainland"}"#),
            (
                lane(Purge, Directory, Own, Some(Mode::Delete)),
                "PurgePathCache",
                r#"{"Paths":["T"],"FlushType":"delete"}"#,
            ),
            (
                lane(Purge, Directory, Overseas, Some(Mode::Invalidate)),
                "PurgePathCache",
                r#"{"Paths":["T"],"FlushType":"flush","Area":"overseas"}"#,
            ),
            (lane(Prefetch, Url, Own, None), "PushUrlsCache", r#"{"Urls":["T"],"Area":"global"}"#),
            (lane(Prefetch, Url, Global, None), "PushUrlsCache", r#"{"Urls":["T"],"Area":"global"}"#),
            (lane(Prefetch, Url, Mainland, None), "PushUrlsCache", r#"{"Urls":["T"],"Area":"mainland"}"#),
        ] {
            let target = if lane.kind == Url { url } else { "https://h.example/img/" };
            let (sent_action, sent) = body(&lane, &[target]).await;
            assert_eq!(
                (sent_action.as_str(), sent),
                (name, expected.replace("\"T\"", &format!("\"{target}\""))),
                "{lane}"
            );
            assert_eq!(action(&lane).0, name);
        }
        let (_, sent) = body(&lane(Purge, Url, Own, None), &["https://h.example/1", "https://h.example/2"]).await;
        assert_eq!(sent, r#"{"Urls":["https://h.example/1","https://h.example/2"]}"#);
    }

    #[tokio::test]
    async fn a_directory_is_never_prefetched_as_if_it_were_a_page() {
        let script = Script::start([]).await;
        let lane = lane(ItemOperation::Prefetch, TargetKind::Directory, Area::Own, None);
        let target = Target::parse(TargetKind::Directory, "https://h.example/img/").expect("a target");
        let answer = script.client().submit(&lane, &[target]).await;
        assert!(matches!(answer, SubmitOutcome::TargetRefused(_)), "{answer:?}");
        assert!(script.requests().is_empty());
    }

    #[test]
    fn the_largest_batch_of_the_longest_targets_fits_into_a_request() {
        let url =
            Target::parse(TargetKind::Url, &format!("https://h.example/{}", "a".repeat(2_030))).expect("a target");
        assert_eq!(url.as_str().len(), crate::domain::TARGET_BYTES_MAX);
        let urls = vec![url.as_str(); 1_000];
        let body = serde_json::to_vec(&UrlsRequest { urls, area: Some("mainland") }).expect("JSON");
        let keys = body.len() - 1_000 * url.as_str().len();
        assert!(super::super::BODY_TARGETS_BYTES_MAX + keys < 10_000_000);
    }
}
