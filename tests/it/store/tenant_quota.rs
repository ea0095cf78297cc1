//! Shares of the day quotas: a tenant that has drawn its part waits, and nobody else does.

use std::time::Duration;

use refreshd::domain::{LaneId, Priority, TenantName, Timestamp, WaitingReason};
use refreshd::store::{CallSequence, Claim, Grant, NewJob, OnlineHosts, PartState, ReleaseAction, Store, TenantShare};

use super::fixtures::{accept, at, give_back, keep, lane_of, purge, settle, states, url};

fn of(tenant: &str, urls: std::ops::Range<u32>) -> NewJob {
    NewJob { tenant: TenantName::new(tenant), ..purge(urls) }
}

async fn claim(store: &dyn Store, lane: LaneId, left: u64, now: Timestamp) -> Option<Claim> {
    let detail = "its share is spent".to_owned();
    let shares = vec![TenantShare { tenant: TenantName::new("web"), remaining: left, until: at(9_000), detail }];
    let grant = Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max: 20,
        non_urgent_max: u32::MAX,
        bytes_max: 1 << 20,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: Vec::new(),
        shares,
    };
    store.claim(grant, now).await.expect("a claim")
}

async fn spent(store: &dyn Store, since: Timestamp) -> Vec<(String, u64)> {
    let spending = store.tenant_usage_since(since).await.expect("readable");
    spending.into_iter().map(|one| (one.tenant.to_string(), one.targets)).collect()
}

pub async fn a_tenant_beyond_its_share_waits_and_others_go(store: &dyn Store) {
    let web = keep(store, of("web", 0..5), at(1)).await;
    let again = keep(store, of("web", 0..1), at(1)).await;
    let app = keep(store, of("app", 10..13), at(1)).await;
    let lane = lane_of(store, &web, 0).await;
    let first = claim(store, lane, 3, at(2)).await.expect("a batch");
    let seen = async || [states(store, &web).await, states(store, &again).await, states(store, &app).await].join(" ");
    assert_eq!((first.targets.len(), seen().await.as_str()), (6, "tttww t ttt"), "an equal target is drawn once");
    assert_eq!(spent(store, at(0)).await, [("web".to_owned(), 3)]);
    let example = store.example_pending_item(web.row, at(2)).await.expect("readable").expect("an item");
    assert_eq!(example.state, PartState::Delayed(at(9_000)));
    assert_eq!(example.wait, Some((WaitingReason::DayQuota, "its share is spent".to_owned())));
    assert_eq!(example.failure, None, "nothing has failed");
    assert!(claim(store, lane, 0, at(3)).await.is_none());
    store.fire_timers(at(9_000)).await.expect("a look");
    assert_eq!(claim(store, lane, 3, at(9_001)).await.expect("the next day").targets.len(), 2);
}

/// Law 8: the half of a refused batch has an urgent item that may not go; its normal ones do not go instead of others' urgent work.
pub async fn urgent_work_elsewhere_goes_before_what_is_normal_in_a_half(store: &dyn Store) {
    let urgent = |tenant, urls| NewJob { priority: Priority::Urgent, ..of(tenant, urls) };
    let web = keep(store, urgent("web", 0..1), at(1)).await;
    keep(store, of("app", 1..4), at(1)).await;
    let lane = lane_of(store, &web, 0).await;
    let refused = claim(store, lane, 9, at(2)).await.expect("a batch");
    assert_eq!(refused.targets.len(), 4);
    give_back(store, refused.submission, ReleaseAction::SplitTargets, at(3)).await;
    keep(store, urgent("app", 10..11), at(4)).await;
    assert_eq!(claim(store, lane, 0, at(5)).await.expect("a batch").targets, [url(10)]);
    assert!(claim(store, lane, 0, at(6)).await.is_some(), "the half has not lost its turn");
}

pub async fn what_was_not_charged_is_not_drawn(store: &dyn Store) {
    let kept = keep(store, of("web", 0..4), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let refused = claim(store, lane, 9, at(2)).await.expect("a batch");
    assert_eq!(spent(store, at(0)).await, [("web".to_owned(), 4)]);
    give_back(store, refused.submission, ReleaseAction::Requeue, at(3)).await;
    assert_eq!(spent(store, at(0)).await, []);
    let sent = claim(store, lane, 9, at(4)).await.expect("a batch");
    accept(store, sent.submission, "task", at(5)).await;
    // A call that was open over midnight counts in both days.
    assert_eq!(spent(store, at(5)).await, [("web".to_owned(), 4)]);
    settle(store, sent.submission, &[], at(6)).await;
    assert_eq!(spent(store, at(4)).await, [("web".to_owned(), 4)]);
    assert_eq!(spent(store, at(6) + Duration::from_secs(1)).await, [], "yesterday's");
}
