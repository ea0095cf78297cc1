//! Who leaves first (law 8): tenants by weight inside a priority, and a tenth of each batch by age.

use refreshd::domain::{ItemOperation, Priority, Target, TargetKind, TenantName, WaitingReason};
use refreshd::store::{Claim, NewJob, PartState, ReleaseAction, Store};

use super::fixtures::{
    accept, at, batch, claim, directory, do_all, give_back, items, keep, lane_of, numbers, part, prefetch, purge,
    settle, states, travelling, url,
};

fn of(tenant: &str, weight: u32, job: NewJob) -> NewJob {
    NewJob { tenant: TenantName::new(tenant), weight, ..job }
}

/// How many of the batch's targets lie below so many thousand.
fn below(claim: &Claim, thousand: u32) -> usize {
    numbers(claim).iter().filter(|number| number.parse::<u32>().is_ok_and(|number| number < thousand * 1_000)).count()
}

pub async fn one_tenants_backlog_does_not_hold_another_up(store: &dyn Store) {
    let large = keep(store, of("large", 1, purge(0..900)), at(1)).await;
    let lane = lane_of(store, &large, 0).await;
    assert_eq!(below(&batch(store, lane, 100, at(2)).await, 1), 100);
    keep(store, of("small", 1, purge(5_000..5_001)), at(3)).await;
    let next = batch(store, lane, 100, at(4)).await;
    assert!(numbers(&next).contains(&"5000".to_owned()), "the other tenant's only target leaves with the next call");
    keep(store, of("large", 1, purge(900..950)), at(5)).await;
    keep(store, of("small", 1, purge(6_000..6_001)), at(5)).await;
    assert!(numbers(&batch(store, lane, 100, at(6)).await).contains(&"6000".to_owned()));
}

pub async fn weights_share_what_leaves(store: &dyn Store) {
    let heavy = keep(store, of("heavy", 3, purge(0..600)), at(1)).await;
    let lane = lane_of(store, &heavy, 0).await;
    keep(store, of("light", 1, purge(1_000..1_600)), at(1)).await;
    let shares: Vec<usize> = [batch(store, lane, 200, at(2)).await, batch(store, lane, 200, at(3)).await]
        .iter()
        .map(|claim| below(claim, 1))
        .collect();
    for share in shares {
        // Nine of ten places go three to one; the rest goes by age, to whose job came first.
        assert!((140..=160).contains(&share), "{share} of 200 for a weight of 3 against 1");
    }
}

pub async fn small_jobs_of_one_group_take_turns(store: &dyn Store) {
    let first = keep(store, of("a", 1, purge(0..10)), at(1)).await;
    let lane = lane_of(store, &first, 0).await;
    keep(store, of("b", 1, purge(1_000..1_010)), at(1)).await;
    keep(store, of("c", 2, purge(2_000..2_010)), at(1)).await;
    let order = numbers(&batch(store, lane, 8, at(2)).await);
    assert_eq!(order, ["2000", "0", "1000", "2001", "2002", "1", "1001", "2003"]);
}

pub async fn a_tenant_that_was_away_has_saved_nothing_up(store: &dyn Store) {
    let busy = keep(store, of("busy", 1, purge(0..500)), at(1)).await;
    let lane = lane_of(store, &busy, 0).await;
    for now in 2..6 {
        batch(store, lane, 100, at(now)).await;
    }
    keep(store, of("back", 1, purge(1_000..1_200)), at(7)).await;
    let next = batch(store, lane, 100, at(8)).await;
    assert!((40..=60).contains(&below(&next, 1)), "half of it each: {}", below(&next, 1));
    do_all(store, lane, at(9)).await;
}

pub async fn a_tenth_of_each_batch_is_for_the_oldest(store: &dyn Store) {
    let bulk = keep(store, NewJob { priority: Priority::Bulk, ..purge(0..50) }, at(1)).await;
    let lane = lane_of(store, &bulk, 0).await;
    keep(store, NewJob { priority: Priority::Urgent, ..purge(1_000..1_400) }, at(2)).await;
    for round in 0..3 {
        let claim = batch(store, lane, 100, at(3)).await;
        let oldest: Vec<String> = (round * 10..round * 10 + 10).map(|number| number.to_string()).collect();
        assert_eq!(numbers(&claim)[90..], oldest);
    }
}

/// Law 5: equal targets share a place while they are unsent, however far apart they stand in the lane.
pub async fn riders_come_from_anywhere_in_the_lane(store: &dyn Store) {
    let large = keep(store, of("large", 1, purge(0..900)), at(1)).await;
    let lane = lane_of(store, &large, 0).await;
    let bulk = keep(store, of("late", 1, NewJob { priority: Priority::Bulk, ..purge(3..5) }), at(1)).await;
    let claim = batch(store, lane, 10, at(2)).await;
    assert_eq!((claim.targets.len(), claim.items), (10, 12), "both rode");
    assert_eq!(states(store, &bulk).await, "tt");
    accept(store, claim.submission, "t-1", at(3)).await;
    settle(store, claim.submission, &[], at(4)).await;
    assert_eq!(states(store, &bulk).await, "ss");
}

/// Law 6: a prefetch waits for the purges of its target, and of directories above it, that were asked for before.
pub async fn a_prefetch_waits_for_purges_of_other_jobs(store: &dyn Store) {
    let purged = keep(store, of("a", 1, purge(1..2)), at(1)).await;
    let mut below = purge(0..1);
    below.parts = vec![part(ItemOperation::Purge, PartState::Due, vec![directory(7)])];
    let cleared = keep(store, of("b", 1, below), at(1)).await;
    let deep = Target::parse(TargetKind::Url, "https://www.example.com/7/deep/1.js").expect("a URL");
    let mut wanted = prefetch(0..3);
    wanted.parts[0].targets.push(deep);
    let ahead = keep(store, of("c", 1, wanted), at(2)).await;
    let later = keep(store, of("a", 1, purge(2..3)), at(3)).await;
    let lane = lane_of(store, &ahead, 0).await;
    let claim = batch(store, lane, 10, at(4)).await;
    assert_eq!(numbers(&claim), ["0", "2"], "a purge that came later is no reason to wait");
    assert_eq!(states(store, &ahead).await, "twtw");
    assert!(items(store, &ahead).await[1].failure.is_none(), "nothing has failed");
    do_all(store, lane_of(store, &purged, 0).await, at(5)).await;
    assert_eq!(states(store, &later).await, "s");
    store.fire_timers(at(5_010)).await.expect("a look");
    assert_eq!(numbers(&batch(store, lane, 10, at(5_010)).await), ["1"]);
    let refused = batch(store, lane_of(store, &cleared, 0).await, 10, at(5_011)).await;
    give_back(store, refused.submission, ReleaseAction::Fail, at(5_012)).await;
    store.fire_timers(at(10_020)).await.expect("a look");
    assert_eq!(batch(store, lane, 10, at(10_021)).await.targets.len(), 1, "however the purge ends");
}

/// Law 6 is of purges that may leave: one that is asked for tonight holds up no prefetch until then. What does is named.
pub async fn a_prefetch_does_not_wait_for_a_purge_that_is_not_due(store: &dyn Store) {
    let mut tonight = NewJob { not_before: Some(at(9_000)), ..of("a", 1, purge(0..1)) };
    let delayed = |target| part(ItemOperation::Purge, PartState::Delayed(at(9_000)), vec![target]);
    tonight.parts = vec![delayed(directory(7)), delayed(url(1))];
    let tonight = keep(store, tonight, at(1)).await;
    let below = Target::parse(TargetKind::Url, "https://www.example.com/7/1.js").expect("a URL");
    let wanted = || {
        let mut wanted = prefetch(1..2);
        wanted.parts[0].targets.push(below.clone());
        wanted
    };
    let early = keep(store, wanted(), at(2)).await;
    let lane = lane_of(store, &early, 0).await;
    let sent = travelling(store, lane, 10, at(3)).await;
    assert_eq!((sent.targets.len(), states(store, &early).await.as_str()), (2, "tt"));
    settle(store, sent.submission, &[], at(4)).await;

    let late = keep(store, wanted(), at(5)).await;
    store.fire_timers(at(9_000)).await.expect("a look");
    assert!(claim(store, lane, 10, at(9_001)).await.is_none(), "now the purge may leave");
    let example = store.example_pending_item(late.row, at(9_001)).await.expect("readable").expect("an item");
    assert_eq!(example.wait.map(|(reason, _)| reason), Some(WaitingReason::PurgeFirst));
    assert_eq!(example.purge_first, Some((tonight.id, tonight.tenant)));
}

/// A prefetch may not share the place of an equal one that was accepted before the purge between them.
pub async fn no_prefetch_rides_past_a_purge(store: &dyn Store) {
    let first = keep(store, of("a", 1, prefetch(1..2)), at(1)).await;
    keep(store, of("b", 1, purge(1..2)), at(2)).await;
    let second = keep(store, of("c", 1, prefetch(1..2)), at(3)).await;
    let lane = lane_of(store, &first, 0).await;
    let claim = batch(store, lane, 1, at(4)).await;
    assert_eq!((claim.items, states(store, &first).await.as_str()), (1, "t"));
    assert_ne!(states(store, &second).await, "t");
}

/// An item that shares a place does not advance the lane's turn to its own rank.
pub async fn a_rider_does_not_move_the_lanes_turn(store: &dyn Store) {
    let large = keep(store, of("large", 1, purge(0..900)), at(1)).await;
    let lane = lane_of(store, &large, 0).await;
    keep(store, of("large", 1, purge(0..1)), at(1)).await;
    assert_eq!(batch(store, lane, 100, at(2)).await.items, 101, "the last of all rode with the first");
    keep(store, of("small", 1, purge(5_000..5_001)), at(3)).await;
    assert!(numbers(&batch(store, lane, 100, at(4)).await).contains(&"5000".to_owned()));
}

/// A thousand equal prefetches are one place, and no more work than a thousand others.
pub async fn equal_prefetches_go_together(store: &dyn Store) {
    let first = keep(store, prefetch(0..1), at(1)).await;
    for _ in 0..1_000 {
        keep(store, prefetch(0..1), at(1)).await;
    }
    let claim = batch(store, lane_of(store, &first, 0).await, 500, at(2)).await;
    assert_eq!((claim.targets.len(), claim.items), (1, 1_001));
}

/// However many directories lie above a target, looking for their purges has an end.
pub async fn a_target_below_thousands_of_directories_is_claimed(store: &dyn Store) {
    let deep = |n| format!("https://www.example.com/{}{n}", "/".repeat(2_000));
    let targets = (0..200).map(|n| Target::parse(TargetKind::Url, &deep(n)).expect("a URL")).collect();
    let mut wanted = prefetch(0..1);
    wanted.parts = vec![part(ItemOperation::Prefetch, PartState::Due, targets)];
    let kept = keep(store, wanted, at(1)).await;
    assert_eq!(batch(store, lane_of(store, &kept, 0).await, 200, at(2)).await.targets.len(), 200);
}
