//! What the passing of time alone does.

use refreshd::domain::{JobStatus, Verification};
use refreshd::store::{EventKind, NewJob, PartState, Store};

use super::fixtures::{
    at, batch, claim, events, give_back, items, job, keep, kinds, lane_of, purge, refresh, settle, states, travelling,
    url,
};

fn delayed(mut job: NewJob, until: i64) -> NewJob {
    job.parts[0].state = PartState::Delayed(at(until));
    job.not_before = Some(at(until));
    job
}

async fn ripen(store: &dyn Store, now: i64) {
    store.fire_timers(at(now)).await.expect("a look");
}

async fn next_ripe(store: &dyn Store) -> Option<i64> {
    let next = store.next_timer().await.expect("a moment");
    next.map(|next| next.as_millis() - at(0).as_millis())
}

pub async fn a_delayed_item_is_due_at_its_moment(store: &dyn Store) {
    let kept = keep(store, delayed(purge(0..3), 100), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    assert_eq!(items(store, &kept).await[0].delayed_until, Some(at(100)));
    ripen(store, 99).await;
    assert_eq!((states(store, &kept).await.as_str(), claim(store, lane, 9, at(99)).await), ("www", None));
    ripen(store, 100).await;
    assert_eq!((states(store, &kept).await.as_str(), next_ripe(store).await), ("ddd", None));
    assert_eq!(items(store, &kept).await[0].delayed_until, None);
    assert_eq!(batch(store, lane, 9, at(100)).await.items, 3);
}

pub async fn a_deadline_ends_only_what_is_pending(store: &dyn Store) {
    let kept = keep(store, NewJob { deadline: Some(at(100)), verify: true, ..refresh(0..3, 0..1) }, at(1)).await;
    let other = keep(store, purge(10..11), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let sent = travelling(store, lane, 2, at(2)).await;
    ripen(store, 99).await;
    assert_eq!(states(store, &kept).await, "ttddbbb");
    ripen(store, 100).await;
    assert_eq!((states(store, &kept).await.as_str(), states(store, &other).await.as_str()), ("ttxxxxx", "d"));
    assert_eq!(next_ripe(store).await, None, "what was sent has no deadline");
    ripen(store, 101).await;
    let told: Vec<_> =
        events(store, &kept).await.into_iter().filter(|event| event.kind == EventKind::Expired).collect();
    assert_eq!((told.len(), told[0].items), (1, Some(5)));
    settle(store, sent.submission, &[url(1)], at(200)).await;
    assert_eq!(states(store, &kept).await, "swxxxxx", "a purge that is done frees no expired prefetch");
    assert_eq!(next_ripe(store).await, Some(100), "the second try comes too late");
    ripen(store, 200).await;
    let done = job(store, &kept).await;
    assert_eq!((states(store, &kept).await.as_str(), done.counts.status(true)), ("sxxxxxx", JobStatus::Partial));
    assert_eq!((done.finished_at, done.verification), (Some(at(200)), Verification::Pending));
}

pub async fn what_expires_keeps_its_failure(store: &dyn Store) {
    let kept = keep(store, NewJob { deadline: Some(at(100)), ..purge(0..2) }, at(1)).await;
    let claim = travelling(store, lane_of(store, &kept, 0).await, 1, at(2)).await;
    settle(store, claim.submission, &[url(0)], at(3)).await;
    ripen(store, 100).await;
    let items = items(store, &kept).await;
    assert_eq!(states(store, &kept).await, "xx");
    assert_eq!(
        items[0].failure.as_ref().map(|failure| failure.code.as_str()),
        Some("fail"),
        "why it was not done in time"
    );
    assert_eq!(items[1].failure, None);
    let done = job(store, &kept).await;
    assert_eq!((done.counts.status(true), done.verification), (JobStatus::Expired, Verification::None));
    assert_eq!(kinds(store, &kept).await[3..], [EventKind::Released, EventKind::Expired, EventKind::Finished]);
}

/// A transaction that ends a million items would hold up everyone's commit.
pub async fn a_large_job_expires_in_turns(store: &dyn Store) {
    let kept = keep(store, NewJob { deadline: Some(at(100)), ..purge(0..25_000) }, at(1)).await;
    let small = keep(store, NewJob { deadline: Some(at(100)), ..purge(0..1) }, at(1)).await;
    let mut turns = Vec::new();
    while next_ripe(store).await.is_some() {
        ripen(store, 100).await;
        turns.push(job(store, &kept).await.counts.expired);
    }
    assert_eq!(turns, [10_000, 20_000, 25_000]);
    assert_eq!(job(store, &small).await.finished_at, Some(at(100)));
    assert_eq!(job(store, &kept).await.finished_at, Some(at(100)));
}

pub async fn many_items_ripen_in_turns(store: &dyn Store) {
    let late = keep(store, delayed(purge(0..12_000), 50), at(1)).await;
    let early = keep(store, delayed(purge(20_000..20_010), 40), at(1)).await;
    ripen(store, 60).await;
    assert!(states(store, &early).await.chars().all(|state| state == 'd'), "the most overdue first");
    assert_eq!(states(store, &late).await.matches('w').count(), 2_010);
    assert_eq!(next_ripe(store).await, Some(50), "still overdue");
    ripen(store, 60).await;
    assert_eq!((states(store, &late).await.matches('w').count(), next_ripe(store).await), (0, None));
}

pub async fn the_next_moment_is_the_earliest(store: &dyn Store) {
    assert_eq!(next_ripe(store).await, None);
    let job = keep(store, NewJob { deadline: Some(at(300)), ..purge(0..1) }, at(1)).await;
    assert_eq!(next_ripe(store).await, Some(300));
    keep(store, NewJob { deadline: Some(at(400)), ..delayed(purge(5..6), 200) }, at(1)).await;
    assert_eq!(next_ripe(store).await, Some(200));
    ripen(store, 250).await;
    let lane = lane_of(store, &job, 0).await;
    let both = batch(store, lane, 9, at(260)).await;
    assert_eq!(next_ripe(store).await, None, "nothing is pending");
    give_back(store, both.submission, refreshd::store::ReleaseAction::Requeue, at(270)).await;
    assert_eq!(next_ripe(store).await, Some(300));
    ripen(store, 350).await;
    assert_eq!((states(store, &job).await.as_str(), next_ripe(store).await), ("x", Some(400)));
}
