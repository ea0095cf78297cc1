//! Cancelling a job and reading what it leaves to try again.

use refreshd::domain::{ItemOperation, JobStatus};
use refreshd::store::{EventKind, Guarded, NewJob, ReleaseAction, Store};

use super::fixtures::{
    at, batch, events, give_back, items, job, keep, kinds, lane_of, purge, refresh, settle, states, travelling, url,
};

async fn cancel(store: &dyn Store, kept: &refreshd::store::Job, millis: i64) -> Guarded {
    store.cancel(kept.row, at(millis)).await.expect("an outcome")
}

pub async fn pending_items_are_cancelled_and_the_job_ends(store: &dyn Store) {
    let kept = keep(store, refresh(0..2, 0..1), at(1)).await;
    let other = keep(store, purge(0..2), at(2)).await;
    assert_eq!(cancel(store, &kept, 3).await, Guarded::Done);
    assert_eq!((states(store, &kept).await.as_str(), states(store, &other).await.as_str()), ("ccccc", "dd"));
    let ended = job(store, &kept).await;
    assert_eq!((ended.counts.status(ended.started), ended.finished_at), (JobStatus::Cancelled, Some(at(3))));
    assert_eq!(kinds(store, &kept).await, [EventKind::Accepted, EventKind::Cancelled, EventKind::Finished]);
    assert_eq!(cancel(store, &kept, 4).await, Guarded::Conflict, "a final job never changes");
}

pub async fn what_was_sent_is_followed_unless_it_comes_back(store: &dyn Store) {
    let (kept, other) = (keep(store, purge(0..4), at(1)).await, keep(store, purge(4..6), at(1)).await);
    let lane = lane_of(store, &kept, 0).await;
    let done = travelling(store, lane, 2, at(2)).await;
    let back = batch(store, lane, 4, at(3)).await;
    assert_eq!(cancel(store, &kept, 4).await, Guarded::Done);
    assert_eq!(states(store, &kept).await, "tttt", "what was sent is not ended by a wish");
    give_back(store, back.submission, ReleaseAction::Requeue, at(5)).await;
    assert_eq!((states(store, &kept).await.as_str(), states(store, &other).await.as_str()), ("ttcc", "dd"));
    settle(store, done.submission, &[], at(6)).await;
    let ended = job(store, &kept).await;
    assert_eq!((states(store, &kept).await.as_str(), ended.counts.status(ended.started)), ("sscc", JobStatus::Partial));
}

pub async fn what_comes_back_is_told_as_what_became_of_it(store: &dyn Store) {
    let (kept, other) = (keep(store, purge(0..2), at(1)).await, keep(store, purge(2..4), at(1)).await);
    let lane = lane_of(store, &kept, 0).await;
    let sent = batch(store, lane, 4, at(2)).await;
    cancel(store, &kept, 3).await;
    give_back(store, sent.submission, ReleaseAction::Requeue, at(4)).await;
    let told = async |job| {
        let mut told = events(store, job).await.into_iter().filter(|event| event.kind != EventKind::Finished);
        told.next_back().map(|event| (event.kind, event.message, event.items)).expect("an event")
    };
    let cancelled = "given back and cancelled: code: slow down".to_owned();
    assert_eq!(told(&kept).await, (EventKind::Released, cancelled, Some(2)));
    let later = "refused, will be sent later: code: slow down".to_owned();
    assert_eq!(told(&other).await, (EventKind::Released, later, Some(2)));
    let sent = batch(store, lane, 4, at(5)).await;
    give_back(store, sent.submission, ReleaseAction::SplitTargets, at(6)).await;
    let halves = "the provider refuses the batch as a whole (code); trying in halves".to_owned();
    assert_eq!(told(&other).await, (EventKind::Split, halves, Some(2)), "no target is blamed yet");
}

pub async fn a_cancelled_row_that_fails_is_not_tried_again(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let sent = travelling(store, lane_of(store, &kept, 0).await, 2, at(2)).await;
    cancel(store, &kept, 3).await;
    settle(store, sent.submission, &[url(0)], at(4)).await;
    assert_eq!(states(store, &kept).await, "fs");
    assert!(items(store, &kept).await[0].failure.is_some());
}

pub async fn a_cancelled_refresh_prefetches_nothing(store: &dyn Store) {
    let kept = keep(store, refresh(0..1, 0..0), at(1)).await;
    let sent = travelling(store, lane_of(store, &kept, 0).await, 1, at(2)).await;
    cancel(store, &kept, 3).await;
    settle(store, sent.submission, &[], at(4)).await;
    assert_eq!(states(store, &kept).await, "sc");
}

pub async fn what_failed_or_expired_can_be_read_back(store: &dyn Store) {
    let kept = keep(store, NewJob { deadline: Some(at(10)), ..purge(0..4) }, at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let refused = batch(store, lane, 1, at(2)).await;
    give_back(store, refused.submission, ReleaseAction::SplitTargets, at(3)).await;
    let sent = travelling(store, lane, 1, at(4)).await;
    settle(store, sent.submission, &[], at(5)).await;
    store.fire_timers(at(10)).await.expect("time passes");
    assert_eq!(states(store, &kept).await, "fsxx");
    let unsuccessful = store.unsuccessful_items(kept.row).await.expect("what to try again");
    assert_eq!(unsuccessful.iter().map(|item| item.target.clone()).collect::<Vec<_>>(), [url(0), url(2), url(3)]);
    assert!(unsuccessful.iter().all(|item| item.lane.operation == ItemOperation::Purge));
    let again = NewJob { retry_of: Some(kept.id), ..purge(20..21) };
    let again = keep(store, again, at(11)).await;
    assert_eq!((again.retry_of, job(store, &again).await.retry_of), (Some(kept.id), Some(kept.id)));
}
