//! Law 5's other half: a directory purge that is being claimed covers the pending URL purges below it.

use refreshd::domain::{Area, ErrorClass, Failure, ItemOperation, Lane, LaneId, Mode, Target, TargetKind, TenantName};
use refreshd::store::{EventKind, Guarded, Job, JobPart, LanePause, NewJob, PartState, ReleaseAction, Store};

use super::fixtures::{
    accept, at, batch, claim, events, give_back, items, keep, lane, lane_of, purge, settle, states, travelling,
};

fn target(kind: TargetKind, path: &str) -> Target {
    Target::parse(kind, &format!("https://www.example.com{path}")).expect("a target")
}

fn job(tenant: &str, parts: Vec<(Lane, &[&str])>) -> NewJob {
    let part = |(lane, paths): (Lane, &[&str])| {
        let targets = paths.iter().map(|path| target(lane.kind, path)).collect();
        JobPart { lane, state: PartState::Due, targets }
    };
    NewJob { tenant: TenantName::new(tenant), parts: parts.into_iter().map(part).collect(), ..purge(0..1) }
}

fn urls() -> Lane {
    lane("main", ItemOperation::Purge, TargetKind::Url)
}

fn directories() -> Lane {
    lane("main", ItemOperation::Purge, TargetKind::Directory)
}

async fn one(store: &dyn Store, tenant: &str, lane: Lane, paths: &[&str]) -> (Job, LaneId) {
    let kept = keep(store, job(tenant, vec![(lane, paths)]), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    (kept, lane)
}

const PATHS: [&str; 5] = ["/a/1.js", "/a/b/c/2.js?v=/x/", "/a/", "/ab/3.js", "/4.js"];

pub async fn a_url_rides_on_the_directory_above_it(store: &dyn Store) {
    let (below, _) = one(store, "web", urls(), &PATHS).await;
    let (above, lane) = one(store, "ops", directories(), &["/a/", "/z/"]).await;
    let left = travelling(store, lane, 10, at(2)).await;
    assert_eq!((left.targets.len(), left.items), (2, 2), "only directories are sent");
    assert_eq!(states(store, &below).await, "tttdd");
    assert_eq!(store.targets(left.submission).await.expect("targets").len(), 2, "the provider's list shows no riders");
    let spent = store.usage_since(at(0)).await.expect("what was spent");
    assert_eq!(spent.iter().map(|one| (one.lane.kind, one.targets)).collect::<Vec<_>>(), [(TargetKind::Directory, 2)]);
    let told = events(store, &below).await;
    let boarded = &told[1];
    assert_eq!((boarded.kind, boarded.items, boarded.submission), (EventKind::Claimed, Some(3), Some(left.submission)));
    assert!(boarded.message.contains("https://www.example.com/a/"), "{}", boarded.message);
    assert!(events(store, &above).await[1].message.contains("2 targets"));
    settle(store, left.submission, &[], at(3)).await;
    assert_eq!((states(store, &below).await.as_str(), states(store, &above).await.as_str()), ("sssdd", "ss"));
    let rider = &items(store, &below).await[0];
    assert_eq!((rider.attempts, rider.task_id.as_deref().is_some_and(|task| task.starts_with("task-"))), (1, true));
}

pub async fn nobody_rides_on_what_has_left(store: &dyn Store) {
    let (_, lane) = one(store, "ops", directories(), &["/a/"]).await;
    batch(store, lane, 10, at(2)).await;
    let (late, own) = one(store, "web", urls(), &["/a/1.js"]).await;
    assert!(claim(store, lane, 10, at(3)).await.is_none());
    assert_eq!(states(store, &late).await, "d");
    assert_eq!(batch(store, own, 10, at(3)).await.targets.len(), 1);
}

pub async fn who_rode_on_a_directory_that_failed_goes_by_itself(store: &dyn Store) {
    let (below, own) = one(store, "web", urls(), &["/a/1.js", "/b/2.js", "/a/3.js"]).await;
    let (above, lane) = one(store, "ops", directories(), &["/a/", "/b/"]).await;
    let left = travelling(store, lane, 10, at(2)).await;
    settle(store, left.submission, &[target(TargetKind::Directory, "/a/")], at(3)).await;
    assert_eq!((states(store, &below).await.as_str(), states(store, &above).await.as_str()), ("dsd", "ws"));
    let back = items(store, &below).await;
    assert_eq!((back[0].attempts, &back[0].failure, back[1].attempts), (0, &None, 1), "no attempt of its own");
    assert_eq!(
        events(store, &below).await.last().map(|event| (event.kind, event.items)),
        Some((EventKind::Released, Some(2)))
    );
    store.fire_timers(at(2_000_000)).await.expect("a look");
    batch(store, lane, 10, at(2_000_000)).await;
    assert_eq!(states(store, &below).await, "dsd", "nobody waits for a directory twice");
    let by_itself = travelling(store, own, 10, at(2_000_001)).await;
    assert_eq!(by_itself.targets.len(), 2);
    settle(store, by_itself.submission, &[target(TargetKind::Url, "/a/3.js")], at(2_000_002)).await;
    assert_eq!(states(store, &below).await, "ssw");
}

pub async fn who_rode_on_a_refused_directory_goes_by_itself(store: &dyn Store) {
    let apart = [
        ReleaseAction::Requeue,
        ReleaseAction::SplitTargets,
        ReleaseAction::SplitHosts,
        ReleaseAction::Park { until: at(9_000) },
        ReleaseAction::Fail,
    ];
    for (round, items) in apart.into_iter().enumerate() {
        let (path, directory) = (format!("/{round}/1.js"), format!("/{round}/"));
        let (below, own) = one(store, "web", urls(), &[&path]).await;
        let (unwanted, _) = one(store, "app", urls(), &[&path]).await;
        let (above, lane) = one(store, "ops", directories(), &[&directory]).await;
        let left = batch(store, lane, 10, at(2)).await;
        assert_eq!(states(store, &below).await, "t");
        assert_eq!(store.cancel(unwanted.row, at(3)).await.expect("an outcome"), Guarded::Done);
        assert_eq!(give_back(store, left.submission, items, at(3)).await, Guarded::Done);
        assert_eq!(
            (states(store, &below).await.as_str(), states(store, &unwanted).await.as_str()),
            ("d", "c"),
            "{items:?}"
        );
        let own_way = travelling(store, own, 10, at(4)).await;
        assert_eq!(own_way.targets, [target(TargetKind::Url, &path)], "{items:?}");
        settle(store, own_way.submission, &[], at(5)).await;
        assert_eq!(states(store, &below).await, "s");
        // What is left of it would go with the next round's directory.
        let _ = store.cancel(above.row, at(6)).await.expect("an outcome");
    }
}

pub async fn only_what_surely_covers_a_url_carries_it(store: &dyn Store) {
    let elsewhere = [
        Lane { mode: Some(Mode::Invalidate), ..directories() },
        Lane { area: Area::Mainland, ..directories() },
        lane("other", ItemOperation::Purge, TargetKind::Directory),
    ];
    let (below, _) = one(store, "web", urls(), &["/a/1.js"]).await;
    let prefetch = lane("main", ItemOperation::Prefetch, TargetKind::Url);
    let (later, _) = one(store, "web", prefetch, &["/a/2.js"]).await;
    for lane in elsewhere.into_iter().chain([directories()]) {
        assert_eq!(states(store, &below).await, "d", "{lane}");
        let (_, lane) = one(store, "ops", lane, &["/a/"]).await;
        batch(store, lane, 10, at(2)).await;
    }
    assert_eq!((states(store, &below).await.as_str(), states(store, &later).await.as_str()), ("t", "d"));
}

pub async fn who_is_held_back_does_not_ride(store: &dyn Store) {
    let (_, own) = one(store, "web", urls(), &["/a/1.js"]).await;
    let lost = batch(store, own, 10, at(2)).await;
    let failure = Failure::new(ErrorClass::Lost, "timeout", "no answer");
    store.mark_ambiguous(lost.submission, failure, at(3), at(3)).await.expect("an outcome");
    let (again, _) = one(store, "web", urls(), &["/a/1.js", "/a/2.js"]).await;
    let (_, lane) = one(store, "ops", directories(), &["/a/"]).await;
    let first = batch(store, lane, 10, at(4)).await;
    assert_eq!(states(store, &again).await, "dt", "law 4: what became of the first is not known");
    // Nor does a URL that was covered by a lost call hold its equals: it was not sent.
    let failure = Failure::new(ErrorClass::Lost, "timeout", "no answer");
    store.mark_ambiguous(first.submission, failure, at(5), at(5)).await.expect("an outcome");
    let (third, _) = one(store, "web", urls(), &["/a/2.js"]).await;
    assert_eq!(batch(store, own, 10, at(6)).await.targets, [target(TargetKind::Url, "/a/2.js")]);
    assert_eq!(states(store, &third).await, "t");
    accept(store, first.submission, "found", at(7)).await;
    settle(store, first.submission, &[], at(8)).await;
    assert_eq!(states(store, &again).await, "ws");
    let pause = LanePause { by: "web".to_owned(), at: at(9), reason: None };
    assert_eq!(store.pause_lane(own, pause).await.expect("an outcome"), Guarded::Done);
    let (paused, _) = one(store, "web", urls(), &["/a/9.js"]).await;
    one(store, "ops", directories(), &["/a/"]).await;
    batch(store, lane, 10, at(10)).await;
    assert_eq!(states(store, &paused).await, "d", "nothing of a paused lane leaves");
}
