//! What a dead process had under way, settled by the next one before the provider has said what is left of the day.

use std::time::Duration;

use refreshd::engine::ServiceKind;
use refreshd::sandbox::{Fault, FaultRule, TaskKind};
use refreshd::service::{Caller, JobInput};

use super::environment::World;
use super::provider_faults::CALM;
use super::rng::Dice;

/// Sends five targets without an answer, dies, and lets the next process settle that before it reads any quota.
async fn settled_before_the_quota_is_read(fault: Fault) -> World {
    let mut world = World::begin(CALM, &mut Dice::of(7)).await;
    let cloud = world.sites["first"].cloud().clone();
    let urls = (0..5).map(|n| format!("https://www.example.com/{n}")).collect();
    let input = JobInput { operation: "purge".to_owned(), urls, verify: Some(false), ..JobInput::default() };
    world.service().accept(&Caller::local(), &input, None).await.expect("a kept job");
    work(&mut world, &[ServiceKind::QuotaReader], 3).await;
    cloud.set_faults(vec![FaultRule::new("PurgeUrlsCache", fault)]);
    work(&mut world, &[ServiceKind::Submitter], 3).await;
    cloud.set_faults(Vec::new());
    world.die().await;
    world.rise().await;
    work(&mut world, &[ServiceKind::Reconciler], 40).await;
    work(&mut world, &ServiceKind::ALL, 60).await;
    // So long that the provider is asked once more.
    world.pass(Duration::from_secs(600)).await;
    work(&mut world, &ServiceKind::ALL, 3).await;
    world
}

async fn work(world: &mut World, kinds: &[ServiceKind], rounds: usize) {
    for _ in 0..rounds {
        let now = world.now();
        for kind in kinds {
            world.engine().record(*kind, now).await.expect("a store that works");
            world.engine().step(*kind, now).await.expect("a store that works");
        }
        world.begin_all().await;
        world.pass(Duration::from_secs(2)).await;
    }
    world.finish_calls().await;
}

fn nothing_is_counted_that_is_not_spent(world: &World) {
    let spent: Vec<u64> = world.sites["first"]
        .cloud()
        .quota()
        .iter()
        .filter(|pool| pool.kind == TaskKind::PurgeUrl)
        .map(|pool| pool.spent)
        .collect();
    assert_eq!(spent, [5, 5], "five targets, once");
    let pools = world.service().engine_status.pools(world.now());
    let urls =
        pools.iter().filter(|pool| pool.account.as_str() == "first" && pool.name.to_string().starts_with("purge-url"));
    let known: Vec<(u64, u64)> = urls.map(|pool| (pool.used, pool.total - pool.available)).collect();
    assert_eq!(known, [(5, 5), (5, 5)]);
}

#[tokio::test]
async fn a_call_found_in_the_list_before_the_quota_is_read_is_counted_once() {
    nothing_is_counted_that_is_not_spent(&settled_before_the_quota_is_read(Fault::LoseAnswer).await);
}

#[tokio::test]
async fn a_call_given_up_before_the_quota_is_read_is_not_counted() {
    nothing_is_counted_that_is_not_spent(&settled_before_the_quota_is_read(Fault::DropRequest).await);
}
