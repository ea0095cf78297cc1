//! Reading: pages, visibility, and what the engine looks for.

use std::time::Duration;

use refreshd::domain::{
    ErrorClass, Failure, ItemId, ItemOperation, Priority, SubmissionState, TargetKind, TenantName, Timestamp,
};
use refreshd::store::{LaneDepth, NewJob, Page, PartState, QuotaUsage, Release, ReleaseAction, Store};

use super::fixtures::{
    at, batch, directory, do_all, give_back, items, keep, lane, lane_of, part, prefetch, purge, refresh, settle,
    travelling, url,
};

pub async fn pages_follow_each_other(store: &dyn Store) {
    keep(store, purge(0..3), at(1)).await;
    let kept = keep(store, purge(10..35), at(1)).await;
    keep(store, purge(0..3), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let mut seen: Vec<ItemId> = Vec::new();
    loop {
        let after = seen.last().map_or(0, |item| item.0);
        let page = store.items(kept.row, Page { after, limit: 10 }).await.expect("items");
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|item| item.id));
    }
    assert_eq!(seen, items(store, &kept).await.iter().map(|item| item.id).collect::<Vec<_>>());
    assert_eq!(seen.len(), 25);
    do_all(store, lane, at(2)).await;
    let (mut after, mut found) = (0, Vec::new());
    while let Some(event) = store.events(kept.row, Page { after, limit: 1 }).await.expect("events").pop() {
        assert!(event.seq > after);
        after = event.seq;
        found.push(event);
    }
    assert_eq!(found, super::fixtures::events(store, &kept).await);
    assert_eq!(found.len(), 5);
}

pub async fn the_last_of_what_happened_is_told_in_its_order(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    keep(store, purge(0..3), at(1)).await;
    do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
    let all = super::fixtures::events(store, &kept).await;
    assert!(all.len() > 3, "{all:?}");
    for limit in [0, 1, 2, 3, 100] {
        let last = store.last_events(kept.row, limit).await.expect("events");
        assert_eq!(last, all[all.len().saturating_sub(limit as usize)..], "{limit}");
    }
}

pub async fn a_tenant_sees_its_own_jobs(store: &dyn Store) {
    let mut ids = Vec::new();
    for n in 0..9 {
        let tenant = TenantName::new(if n % 3 == 0 { "a" } else { "b" });
        ids.push(keep(store, NewJob { tenant, ..purge(n..n + 1) }, at(1)).await);
    }
    let (a, c) = (TenantName::new("a"), TenantName::new("c"));
    for kept in &ids {
        let found = store.job(kept.id, Some(&a)).await.expect("readable");
        assert_eq!(found.is_some(), kept.tenant == a);
        assert_eq!(store.job(kept.id, Some(&c)).await.expect("readable"), None);
        assert_eq!(store.job(kept.id, None).await.expect("readable").as_ref(), Some(kept));
    }
    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let page = store.jobs(Some(&a), before, 2).await.expect("jobs");
        let Some(last) = page.last() else { break };
        before = Some(last.row.number());
        pages.push(page.iter().map(|job| job.id).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![ids[6].id, ids[3].id], vec![ids[0].id]]);
    let all = store.jobs(None, None, 100).await.expect("jobs");
    assert!(all.iter().rev().eq(&ids), "newest first, and whole");
    assert_eq!(store.jobs(Some(&c), None, 100).await.expect("jobs"), []);
    assert_eq!(store.jobs(None, Some(ids[0].row.number()), 100).await.expect("jobs"), []);
}

pub async fn an_example_of_what_is_pending_tells_why(store: &dyn Store) {
    let kept = keep(store, refresh(0..2, 0..0), at(1)).await;
    let (purges, prefetches) = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 2).await);
    let example = async || {
        let example = store.example_pending_item(kept.row, at(1)).await.expect("readable");
        example.map(|example| (example.lane, example.state))
    };
    assert_eq!(example().await, Some((purges, PartState::Due)), "the purge, not the prefetch behind it");
    let all = travelling(store, purges, 9, at(2)).await;
    assert_eq!(example().await, Some((prefetches, PartState::Blocked)), "its purge is on its way");
    settle(store, all.submission, &[url(1)], at(3)).await;
    assert_eq!(example().await, Some((purges, PartState::Delayed(at(1_000_000)))));
    store.fire_timers(at(1_000_000)).await.expect("a look");
    do_all(store, purges, at(1_000_001)).await;
    assert_eq!(example().await, Some((prefetches, PartState::Due)));
    do_all(store, prefetches, at(1_000_002)).await;
    assert_eq!(example().await, None);
}

pub async fn open_submissions_are_found_by_their_moment(store: &dyn Store) {
    let kept = keep(store, purge(0..4), at(1)).await;
    let id = lane_of(store, &kept, 0).await;
    let mut submissions = Vec::new();
    for (n, due_at) in [30, 10, 20, 40].into_iter().enumerate() {
        let claim = batch(store, id, 1, at(2)).await;
        store.accept(claim.submission, &format!("t-{n}"), None, at(due_at), at(3)).await.expect("an outcome");
        submissions.push(claim.submission);
    }
    let look = async |limit, now| {
        let (open, next) = store.due_submissions(false, limit, at(now)).await.expect("submissions");
        (open, next.map(|next: Timestamp| next.as_millis() - at(0).as_millis()))
    };
    assert_eq!(look(9, 9).await, (vec![], Some(10)));
    let (open, next) = look(9, 30).await;
    assert_eq!(open.iter().map(|open| open.id).collect::<Vec<_>>(), [submissions[1], submissions[2], submissions[0]]);
    assert_eq!(next, Some(40));
    assert_eq!(look(2, 30).await.0.len(), 2);
    let first = &open[0];
    assert_eq!((first.targets, first.task_id.as_deref(), first.looks), (1, Some("t-1"), 0));
    assert_eq!((first.created_at, first.answered_at), (at(2), Some(at(3))));
    assert_eq!(first.lane, lane("main", ItemOperation::Purge, TargetKind::Url));
    store.postpone(submissions[1], at(50)).await.expect("an outcome");
    let (open, next) = look(9, 30).await;
    assert_eq!((open.len(), next), (2, Some(40)));
    let (open, _) = look(9, 50).await;
    assert_eq!(open.last().map(|open| (open.id, open.looks)), Some((submissions[1], 1)));
    settle(store, submissions[3], &[], at(51)).await;
    assert_eq!(look(9, 60).await.0.len(), 3);
    assert_eq!(store.due_submissions(true, 9, at(60)).await.expect("submissions"), (vec![], None));
}

pub async fn what_was_spent_is_counted_by_lane(store: &dyn Store) {
    let day = at(0) + Duration::from_secs(24 * 3600);
    let kept = keep(store, refresh(0..20, 0..3), at(1)).await;
    let (urls, directories) = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 20).await);
    let hours = |before| day - Duration::from_secs(3600) * before;
    let counted = async || {
        let mut spent = store.usage_since(day).await.expect("what was spent");
        spent.sort_by_key(|spent| spent.lane.kind != TargetKind::Url);
        spent.iter().map(|spent: &QuotaUsage| (spent.lane.kind, spent.targets, spent.in_flight)).collect::<Vec<_>>()
    };
    travelling(store, urls, 1, hours(2)).await;
    assert_eq!(counted().await, [], "yesterday's");
    let lost = batch(store, urls, 1, hours(5)).await;
    let failure = Failure::new(ErrorClass::Lost, "lost", "no answer");
    store.mark_ambiguous(lost.submission, failure, hours(5), hours(5)).await.expect("an outcome");
    assert_eq!(counted().await, [(TargetKind::Url, 1, 1)], "whoever settles it gives back what was counted");
    let failure = Failure::new(ErrorClass::Lost, "not_listed", "never made");
    let back = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
    store.release(lost.submission, back, hours(1)).await.expect("an outcome");
    assert_eq!(counted().await, []);
    let over = batch(store, urls, 2, day - Duration::from_secs(1)).await;
    assert_eq!(counted().await, [(TargetKind::Url, 2, 2)], "still without an answer");
    store.accept(over.submission, "over", None, day, day + Duration::from_secs(1)).await.expect("an outcome");
    assert_eq!(counted().await, [(TargetKind::Url, 2, 0)], "answered today");
    let refused = batch(store, urls, 4, day).await;
    assert_eq!(counted().await, [(TargetKind::Url, 6, 4)]);
    give_back(store, refused.submission, ReleaseAction::Requeue, day).await;
    let today = travelling(store, urls, 8, day + Duration::from_secs(2)).await;
    settle(store, today.submission, &[url(5)], day + Duration::from_secs(3)).await;
    travelling(store, directories, 3, day + Duration::from_secs(2)).await;
    assert_eq!(counted().await, [(TargetKind::Url, 10, 0), (TargetKind::Directory, 3, 0)]);
}

pub async fn lanes_tell_their_depth(store: &dyn Store) {
    assert_eq!(store.lane_depths().await.expect("lanes"), []);
    let kept = keep(store, refresh(0..20, 0..3), at(1)).await;
    keep(store, NewJob { priority: Priority::Urgent, ..purge(5..7) }, at(1)).await;
    keep(store, NewJob { priority: Priority::Bulk, ..prefetch(5..6) }, at(1)).await;
    let mut delayed = purge(0..9);
    delayed.parts = vec![part(ItemOperation::Purge, PartState::Delayed(at(9)), vec![directory(0)])];
    keep(store, delayed, at(1)).await;
    let depths = async || {
        let mut depths = store.lane_depths().await.expect("lanes");
        depths.sort_by_key(|depth| depth.id);
        depths.into_iter().map(|LaneDepth { id, due, .. }| (id, due)).collect::<Vec<_>>()
    };
    let ids = [lane_of(store, &kept, 0).await, lane_of(store, &kept, 20).await, lane_of(store, &kept, 23).await];
    let expected = [(ids[0], [2, 20, 0]), (ids[1], [0, 3, 0]), (ids[2], [0, 0, 1])];
    assert_eq!(depths().await, expected);
    do_all(store, ids[0], at(2)).await;
    assert_eq!(depths().await, [(ids[1], [0, 3, 0]), (ids[2], [0, 20, 1])]);
    batch(store, ids[1], 9, at(3)).await;
    store.fire_timers(at(9)).await.expect("a look");
    assert_eq!(depths().await, [(ids[1], [0, 1, 0]), (ids[2], [0, 20, 1])]);
}
