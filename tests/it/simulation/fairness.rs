//! Which items are sent first (law 8), as the cloud sees them: the engine with a simulated cloud, call by call.

use std::collections::BTreeSet;
use std::time::Duration;

use refreshd::domain::TenantName;
use refreshd::engine::ServiceKind;
use refreshd::sandbox::{Area, PoolChange, TaskKind};
use refreshd::service::{Caller, JobInput};

use super::environment::World;
use super::provider_faults::CALM;
use super::rng::Dice;

const BATCH: usize = 1_000;

struct Door {
    world: World,
    /// Tasks that were counted.
    seen: usize,
    posted: usize,
}

impl Door {
    async fn begin(batch: usize) -> Self {
        let world = World::begin(CALM, &mut Dice::of(7)).await;
        let batch = Some(batch as u64);
        let change =
            PoolChange { kind: TaskKind::PurgeUrl, area: Area::Global, total: Some(1_000_000), batch, spend: 0 };
        world.sites["first"].cloud().change_quota(&change);
        Self { world, seen: 0, posted: 0 }
    }

    /// Posts so many URLs, and returns the first of them.
    async fn post(&mut self, (tenant, weight): (&str, u32), urls: usize, priority: &str) -> String {
        let first = self.posted;
        self.posted += urls;
        let urls: Vec<String> =
            (first..self.posted).map(|n| format!("https://www.example.com/{tenant}/{n}.js")).collect();
        let told = urls[0].clone();
        let priority = Some(priority.to_owned());
        let input =
            JobInput { operation: "purge".to_owned(), urls, priority, verify: Some(false), ..JobInput::default() };
        let caller = Caller { tenant: TenantName::new(tenant), weight, ..Caller::local() };
        self.world.service().accept(&caller, &input, None).await.expect("a kept job");
        told
    }

    /// The targets of the next call.
    async fn next_call(&mut self) -> BTreeSet<String> {
        for _ in 0..1_000 {
            let tasks = self.world.sites["first"].cloud().tasks().await;
            if let Some(task) = tasks.get(self.seen) {
                self.seen += 1;
                return task.targets.iter().map(|(target, _)| target.clone()).collect();
            }
            let now = self.world.now();
            for kind in [ServiceKind::QuotaReader, ServiceKind::Submitter] {
                self.world.engine().record(kind, now).await.expect("a store that works");
                self.world.engine().step(kind, now).await.expect("a store that works");
            }
            self.world.begin_all().await;
            self.world.pass(Duration::from_millis(100)).await;
        }
        panic!("nothing leaves any more");
    }

    /// How many calls are sent until one has the target.
    async fn calls_until(&mut self, target: &str) -> usize {
        let mut calls = 1;
        while !self.next_call().await.contains(target) {
            calls += 1;
        }
        calls
    }
}

#[tokio::test]
async fn a_hundred_thousand_of_one_tenant_hold_nobody_up() {
    let mut door = Door::begin(BATCH).await;
    door.post(("large", 1), 100_000, "normal").await;
    for _ in 0..3 {
        assert_eq!(door.next_call().await.len(), BATCH);
    }
    let single = door.post(("small", 1), 1, "normal").await;
    let calls = door.calls_until(&single).await;
    assert!(calls <= 3, "another tenant's only URL left with call {calls}");
    let urgent = door.post(("small", 1), 1, "urgent").await;
    assert_eq!(door.calls_until(&urgent).await, 1, "an urgent one leaves with the next call");
    let own = door.post(("large", 1), 1, "urgent").await;
    assert_eq!(door.calls_until(&own).await, 1, "whoever has the pile");
}

#[tokio::test]
async fn a_normal_one_passes_bulk_and_an_urgent_one_passes_both() {
    let mut door = Door::begin(100).await;
    door.post(("blue", 1), 3_000, "bulk").await;
    door.next_call().await;
    let normal = door.post(("blue", 1), 1, "normal").await;
    assert_eq!(door.calls_until(&normal).await, 1);
    door.post(("green", 1), 3_000, "normal").await;
    door.next_call().await;
    let urgent = door.post(("red", 1), 1, "urgent").await;
    assert_eq!(door.calls_until(&urgent).await, 1);
}

#[tokio::test]
async fn weights_of_one_and_three_share_one_to_three() {
    let mut door = Door::begin(200).await;
    door.post(("light", 1), 3_000, "normal").await;
    door.post(("heavy", 3), 3_000, "normal").await;
    let (mut heavy, mut all) = (0, 0);
    for _ in 0..10 {
        let call = door.next_call().await;
        heavy += call.iter().filter(|target| target.contains("/heavy/")).count();
        all += call.len();
    }
    let (least, most) = (all * 72 / 100, all * 78 / 100);
    assert!((least..=most).contains(&heavy), "{heavy} of {all} places for a weight of 3 against 1");
}

/// Nothing is wrong with any of them and all are there, so no call leaves that is not full but the last.
#[tokio::test]
async fn what_is_due_leaves_in_as_few_calls_as_can_be() {
    let mut door = Door::begin(500).await;
    for (tenant, weight, urls) in [("blue", 1, 1_700), ("green", 5, 900), ("red", 2, 1_721)] {
        door.post((tenant, weight), urls, "normal").await;
    }
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 4_321 {
        sizes.push(door.next_call().await.len());
    }
    assert_eq!(sizes, [500, 500, 500, 500, 500, 500, 500, 500, 321]);
}
