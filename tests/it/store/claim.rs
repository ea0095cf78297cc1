//! Claiming: who leaves first, who shares a place, and what a batch may hold.

use refreshd::domain::{ItemOperation, LaneId, Priority, TargetKind};
use refreshd::store::{CallSequence, EventKind, Grant, NewJob, OnlineHosts, Store};

use super::fixtures::{
    at, batch, claim, do_all, job, keep, kinds, lane, lane_of, numbers, prefetch, purge, refresh, states, travelling,
};

pub async fn urgent_leaves_first_and_then_who_came_first(store: &dyn Store) {
    let bulk = keep(store, NewJob { priority: Priority::Bulk, ..purge(0..2) }, at(1)).await;
    let normal = keep(store, purge(10..30), at(2)).await;
    let urgent = keep(store, NewJob { priority: Priority::Urgent, ..purge(40..42) }, at(3)).await;
    let late = keep(store, NewJob { priority: Priority::Urgent, ..purge(50..51) }, at(4)).await;
    let lane = lane_of(store, &bulk, 0).await;
    let first = batch(store, lane, 5, at(5)).await;
    assert_eq!(numbers(&first), ["40", "41", "50", "10", "11"]);
    assert_eq!(first.items, 5);
    assert_eq!((states(store, &urgent).await.as_str(), states(store, &late).await.as_str()), ("tt", "t"));
    assert_eq!(numbers(&batch(store, lane, 19, at(6)).await).last().map(String::as_str), Some("0"));
    assert_eq!(numbers(&batch(store, lane, 19, at(7)).await), ["1"]);
    assert!(job(store, &normal).await.started && job(store, &bulk).await.started);
    assert_eq!(kinds(store, &bulk).await, [EventKind::Accepted, EventKind::Claimed, EventKind::Claimed]);
}

pub async fn equal_targets_share_a_place(store: &dyn Store) {
    let one = keep(store, purge(0..3), at(1)).await;
    let two = keep(store, purge(1..4), at(2)).await;
    let urgent = keep(store, NewJob { priority: Priority::Urgent, ..purge(2..3) }, at(3)).await;
    let lane = lane_of(store, &one, 0).await;
    let claim = batch(store, lane, 10, at(4)).await;
    assert_eq!(numbers(&claim), ["2", "0", "1", "3"]);
    assert_eq!(claim.items, 7);
    let mut targets = store.targets(claim.submission).await.expect("targets");
    targets.sort();
    assert_eq!(targets, (0..4).map(super::fixtures::url).collect::<Vec<_>>());
    for job in [&one, &two] {
        assert_eq!(states(store, job).await, "ttt");
    }
    assert_eq!(states(store, &urgent).await, "t");
    let spent = store.usage_since(at(0)).await.expect("what was spent");
    assert_eq!(spent[0].targets, 4, "the provider charges a place, not who rides on it");
}

pub async fn a_batch_has_at_most_so_many_targets_and_bytes(store: &dyn Store) {
    let kept = keep(store, purge(0..30), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    assert_eq!(batch(store, lane, 7, at(2)).await.targets.len(), 7);
    // 7.js, 8.js and 9.js have 28 bytes each, and 10.js has 29.
    for (bytes_max, left_with) in [(28 * 3 + 28, 3), (29 * 4, 4), (29 * 5 + 28, 5)] {
        let grant = Grant {
            lane,
            sequence: CallSequence::default(),
            targets_max: 20,
            non_urgent_max: u32::MAX,
            bytes_max,
            online_hosts: OnlineHosts::default(),
            suspended_hosts: Vec::new(),
            shares: Vec::new(),
        };
        let claim = store.claim(grant, at(3)).await.expect("a claim").expect("a batch");
        assert_eq!(claim.targets.len(), left_with, "{bytes_max} bytes");
        let bytes: usize = claim.targets.iter().map(|target| target.as_str().len()).sum();
        assert!(bytes <= bytes_max);
    }
    let too_small = Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max: 20,
        non_urgent_max: u32::MAX,
        bytes_max: 5,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: Vec::new(),
        shares: Vec::new(),
    };
    assert_eq!(store.claim(too_small, at(4)).await.expect("a claim"), None, "not a byte over the limit");
    assert_eq!(states(store, &kept).await.matches('d').count(), 30 - 7 - 3 - 4 - 5);
}

pub async fn a_lane_without_due_items_gives_nothing(store: &dyn Store) {
    assert_eq!(claim(store, LaneId(99), 10, at(1)).await, None);
    let kept = keep(store, refresh(0..2, 0..0), at(1)).await;
    let (purges, prefetches) = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 2).await);
    assert_eq!(claim(store, prefetches, 10, at(2)).await, None, "blocked items are not due");
    travelling(store, purges, 10, at(2)).await;
    assert_eq!(claim(store, purges, 10, at(3)).await, None, "what travels is not due");
    let version = job(store, &kept).await.version;
    assert_eq!(claim(store, purges, 0, at(3)).await, None);
    assert_eq!(job(store, &kept).await.version, version, "nothing was changed");
}

pub async fn lanes_do_not_mix(store: &dyn Store) {
    let mut elsewhere = purge(0..2);
    elsewhere.parts[0].lane = lane("other", ItemOperation::Purge, TargetKind::Url);
    let jobs = [
        keep(store, purge(0..2), at(1)).await,
        keep(store, prefetch(2..4), at(1)).await,
        keep(store, elsewhere, at(1)).await,
    ];
    for job in &jobs {
        let claim = batch(store, lane_of(store, job, 0).await, 10, at(2)).await;
        assert_eq!((claim.targets.len(), claim.items), (2, 2));
        assert_eq!(states(store, job).await, "tt");
    }
}

/// Law 5: never onto a batch that has left.
pub async fn what_was_asked_after_a_batch_left_travels_again(store: &dyn Store) {
    let one = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &one, 0).await;
    travelling(store, lane, 10, at(2)).await;
    let two = keep(store, purge(0..2), at(3)).await;
    let second = batch(store, lane, 10, at(4)).await;
    assert_eq!((second.targets.len(), second.items), (2, 2));
    assert_eq!((states(store, &one).await.as_str(), states(store, &two).await.as_str()), ("tt", "tt"));
    super::fixtures::accept(store, second.submission, "second", at(5)).await;
    super::fixtures::settle(store, second.submission, &[], at(6)).await;
    assert_eq!((states(store, &one).await.as_str(), states(store, &two).await.as_str()), ("tt", "ss"));
    do_all(store, lane, at(7)).await;
    assert_eq!(states(store, &one).await, "tt", "its own task is still running");
}
