//! Who leaves first (law 8): tenants by weight inside a priority, and a tenth of each batch by age.

use refreshd::domain::{Priority, TenantName};
use refreshd::store::{Claim, NewJob, Store};

use super::drafts::{at, batch, do_all, keep, lane_of, numbers, purge};

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
