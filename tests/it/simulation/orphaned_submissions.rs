//! Submissions without a call, found without a restart: claims that committed although the store reported an error, and calls
//! that panicked.

use std::time::Duration;

use refreshd::domain::JobId;
use refreshd::engine::ServiceKind;
use refreshd::sandbox::TaskKind;
use refreshd::service::{Caller, JobInput};

use super::environment::World;
use super::provider_faults::CALM;
use super::rng::Dice;

/// Five targets are done, and five others wait.
async fn begun() -> (World, JobId) {
    let mut world = World::begin(CALM, &mut Dice::of(7)).await;
    post(&world, 0).await;
    work(&mut world, &ServiceKind::ALL, 30).await;
    let job = post(&world, 5).await;
    (world, job)
}

async fn post(world: &World, first: usize) -> JobId {
    let urls = (first..first + 5).map(|n| format!("https://www.example.com/{n}")).collect();
    let input = JobInput { operation: "purge".to_owned(), urls, verify: Some(false), ..JobInput::default() };
    world.service().accept(&Caller::local(), &input, None).await.expect("a kept job").view.job.id
}

async fn work(world: &mut World, kinds: &[ServiceKind], rounds: usize) {
    for _ in 0..rounds {
        let now = world.now();
        for kind in kinds {
            // The store with an injected fault refuses some answers; they are recorded at the next pass.
            let _ = world.engine().record(*kind, now).await;
            let _ = world.engine().step(*kind, now).await;
        }
        world.begin_all().await;
        world.pass(Duration::from_secs(2)).await;
    }
    world.finish_calls().await;
}

/// All are done, and the ledger has what the cloud charged.
async fn ends_well(world: &mut World, job: JobId) {
    work(world, &ServiceKind::ALL, 80).await;
    let kept = world.service().store.job(job, None).await.expect("a readable store").expect("a job");
    assert_eq!((kept.counts.succeeded, kept.finished_at.is_some()), (5, true), "{:?}", kept.counts);
    // So long that the provider is asked once more.
    world.pass(Duration::from_secs(600)).await;
    work(world, &ServiceKind::ALL, 3).await;
    let cloud = world.sites["first"].cloud().quota();
    let spent: Vec<u64> = cloud.iter().filter(|pool| pool.kind == TaskKind::PurgeUrl).map(|pool| pool.spent).collect();
    assert_eq!(spent, [10, 10]);
    let pools = world.service().engine_status.pools(world.now());
    let urls =
        pools.iter().filter(|pool| pool.account.as_str() == "first" && pool.name.to_string().starts_with("purge-url"));
    let known: Vec<(u64, u64)> = urls.map(|pool| (pool.used, pool.total - pool.available)).collect();
    assert_eq!(known, [(10, 10); 2], "the ledger neither leaks nor forgets");
}

#[tokio::test]
async fn a_claim_that_was_made_and_told_as_failed_is_healed_without_a_restart() {
    let (mut world, job) = begun().await;
    world.ailment.strike(1, true);
    work(&mut world, &[ServiceKind::Submitter], 1).await;
    assert!(world.ailment.was_felt(), "a claim failed");
    let lanes = world.service().store.lanes().await.expect("lanes");
    assert_eq!(lanes.iter().map(|lane| lane.in_flight).sum::<u32>(), 1, "which was made");
    ends_well(&mut world, job).await;
}

/// The store goes on failing: the release of the orphan also commits and returns an error.
#[tokio::test]
async fn a_claim_of_nobody_is_counted_once_however_often_the_store_fails() {
    for (failing, after) in [(1, true), (2, true), (1, false), (2, false)] {
        let (mut world, job) = begun().await;
        world.ailment.strike(1, true);
        work(&mut world, &[ServiceKind::Submitter], 1).await;
        world.ailment.strike(failing, after);
        work(&mut world, &[ServiceKind::Submitter], 4).await;
        assert!(world.ailment.was_felt(), "claims failed");
        ends_well(&mut world, job).await;
    }
}

/// A fault of ours in a call: its targets, its account and the lane go on.
#[tokio::test]
async fn a_call_that_breaks_off_is_looked_for_without_a_restart() {
    let (mut world, job) = begun().await;
    world.break_off("first", true);
    work(&mut world, &[ServiceKind::Submitter], 1).await;
    // One of the looks that follow breaks off as well.
    world.break_off("first", true);
    ends_well(&mut world, job).await;
}

#[tokio::test]
async fn a_look_that_breaks_off_is_made_again() {
    for kind in [ServiceKind::Poller, ServiceKind::QuotaReader] {
        let (mut world, job) = begun().await;
        work(&mut world, &[ServiceKind::Submitter], 2).await;
        world.pass(Duration::from_secs(601)).await;
        world.break_off("first", true);
        work(&mut world, &[kind], 1).await;
        ends_well(&mut world, job).await;
    }
}
