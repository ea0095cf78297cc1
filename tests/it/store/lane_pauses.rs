//! Holding a lane back: who did it is kept, nothing of it is claimed, and the other lanes go on.

use refreshd::domain::{ItemOperation, LaneId, Priority};
use refreshd::store::{Guarded, LanePause, LaneRecord, NewJob, PartState, Store};

use super::fixtures::{at, batch, claim, directory, do_all, keep, lane_of, part, purge, refresh, travelling};

fn pause(by: &str, millis: i64, reason: Option<&str>) -> LanePause {
    LanePause { by: by.to_owned(), at: at(millis), reason: reason.map(str::to_owned) }
}

async fn lane(store: &dyn Store, id: LaneId) -> LaneRecord {
    let lanes = store.lanes().await.expect("lanes");
    lanes.into_iter().find(|lane| lane.id == id).expect("the lane")
}

pub async fn a_paused_lane_gives_nothing_until_it_is_resumed(store: &dyn Store) {
    let kept = keep(store, refresh(0..3, 0..2), at(1)).await;
    let (urls, directories) = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 3).await);
    let held = pause("shop (token 1)", 5, Some("the origin is being moved"));
    assert_eq!(store.pause_lane(urls, held.clone()).await.expect("an outcome"), Guarded::Done);
    assert_eq!(claim(store, urls, 10, at(6)).await, None);
    assert_eq!(batch(store, directories, 10, at(6)).await.targets.len(), 2, "the other lane goes on");
    let paused = async || {
        let depths = store.lane_depths().await.expect("lanes");
        depths.into_iter().find(|depth| depth.id == urls).expect("the lane").paused
    };
    assert_eq!((paused().await, lane(store, urls).await.paused), (Some(held.clone()), Some(held)));
    assert_eq!(lane(store, directories).await.paused, None);
    assert_eq!(store.resume_lane(urls, "web", at(7)).await.expect("an outcome"), Guarded::Done);
    assert_eq!((paused().await, lane(store, urls).await.paused), (None, None));
    assert_eq!(batch(store, urls, 10, at(8)).await.targets.len(), 3);
}

pub async fn a_lane_is_paused_once_and_may_be_paused_again(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    let id = lane_of(store, &kept, 0).await;
    let outcome = async |pause| store.pause_lane(id, pause).await.expect("an outcome");
    assert_eq!(store.resume_lane(id, "web", at(2)).await.expect("an outcome"), Guarded::Conflict, "it was not paused");
    let first = pause("a", 3, None);
    assert_eq!(outcome(first.clone()).await, Guarded::Done);
    assert_eq!(outcome(pause("b", 4, Some("me too"))).await, Guarded::Conflict);
    assert_eq!(lane(store, id).await.paused, Some(first), "the first pause stands");
    assert_eq!(store.resume_lane(id, "b", at(5)).await.expect("an outcome"), Guarded::Done);
    assert_eq!(store.resume_lane(id, "b", at(6)).await.expect("an outcome"), Guarded::Conflict);
    let second = pause("b", 7, Some("again"));
    assert_eq!(outcome(second.clone()).await, Guarded::Done);
    assert_eq!(lane(store, id).await.paused, Some(second));
    let nowhere = LaneId(id.0 + 1000);
    assert_eq!(store.pause_lane(nowhere, pause("a", 8, None)).await.expect("an outcome"), Guarded::Conflict);
    assert_eq!(store.resume_lane(nowhere, "a", at(8)).await.expect("an outcome"), Guarded::Conflict);
}

pub async fn what_was_sent_before_a_pause_ends_as_ever(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    let id = lane_of(store, &kept, 0).await;
    let sent = travelling(store, id, 2, at(2)).await;
    store.pause_lane(id, pause("a", 3, None)).await.expect("an outcome");
    super::fixtures::settle(store, sent.submission, &[], at(4)).await;
    let job = super::fixtures::job(store, &kept).await;
    assert_eq!((job.counts.succeeded, job.counts.pending), (2, 1));
}

pub async fn a_lane_tells_what_is_in_it_and_since_when(store: &dyn Store) {
    assert_eq!(store.lanes().await.expect("lanes"), []);
    let kept = keep(store, refresh(0..5, 0..0), at(10)).await;
    let urls = lane_of(store, &kept, 0).await;
    let prefetches = lane_of(store, &kept, 5).await;
    keep(store, NewJob { priority: Priority::Bulk, ..purge(90..92) }, at(5)).await;
    keep(store, NewJob { priority: Priority::Urgent, ..purge(80..81) }, at(20)).await;
    let mut delayed = purge(0..1);
    delayed.parts = vec![part(ItemOperation::Purge, PartState::Delayed(at(99)), vec![directory(0)])];
    let later = keep(store, delayed, at(1)).await;
    let directories = lane_of(store, &later, 0).await;
    let found = lane(store, urls).await;
    assert_eq!((found.due, found.delayed, found.blocked), ([1, 5, 2], 0, 0));
    assert_eq!((found.oldest, found.in_flight), (Some(at(5)), 0), "the bulk job is the oldest");
    let behind = lane(store, prefetches).await;
    assert_eq!((behind.due, behind.blocked, behind.oldest), ([0; 3], 5, None));
    let waiting = lane(store, directories).await;
    assert_eq!((waiting.due, waiting.delayed, waiting.oldest), ([0; 3], 1, None), "nothing of it is due");
    let open = batch(store, urls, 100, at(21)).await;
    let found = lane(store, urls).await;
    assert_eq!((found.due, found.in_flight, found.oldest), ([0; 3], 1, None));
    store.accept(open.submission, "t-1", None, at(90), at(22)).await.expect("an outcome");
    assert_eq!(lane(store, urls).await.in_flight, 0, "answered");
    do_all(store, directories, at(23)).await;
    assert_eq!(lane(store, directories).await.delayed, 1);
}
