//! A day quota that is used up (law 3): what is sent today, what is reserved for urgent jobs, and what waits for the provider's
//! midnight.

use std::time::Duration;

use refreshd::domain::{JobId, Timestamp, WaitingReason};
use refreshd::engine::ServiceKind;
use refreshd::sandbox::{Area, PoolChange, TaskKind};
use refreshd::service::{Caller, JobInput};

use super::environment::World;
use super::provider_faults::CALM;
use super::rng::Dice;

/// 16:00 UTC, which is midnight in UTC+8; the simulated world begins four hours earlier.
const MIDNIGHT: Timestamp = Timestamp::from_millis(1_795_363_200_000);
const MINUTE: Duration = Duration::from_secs(60);

struct Day {
    world: World,
    jobs: Vec<JobId>,
}

impl Day {
    /// A world without trouble, with ten thousand URLs a day.
    async fn begin() -> Self {
        let world = World::begin(CALM, &mut Dice::of(7)).await;
        let mut day = Self { world, jobs: Vec::new() };
        day.change(Some(10_000), 0);
        day
    }

    fn change(&mut self, total: Option<u64>, spend: u64) {
        let change = PoolChange { kind: TaskKind::PurgeUrl, area: Area::Global, total, batch: Some(1_000), spend };
        self.world.sites["first"].cloud().change_quota(&change);
    }

    async fn post(&mut self, urls: usize, priority: &str) -> JobId {
        let first = self.jobs.len() * 100_000;
        let urls = (first..first + urls).map(|n| format!("https://www.example.com/{n}")).collect();
        let priority = Some(priority.to_owned());
        let asked =
            JobInput { operation: "purge".to_owned(), urls, priority, verify: Some(false), ..JobInput::default() };
        let accepted = self.world.service().accept(&Caller::local(), &asked, None).await.expect("a kept job");
        self.jobs.push(accepted.view.job.id);
        accepted.view.job.id
    }

    /// Runs the engine until then.
    async fn work_until(&mut self, moment: Timestamp) {
        let world = &mut self.world;
        while world.now() < moment {
            let now = world.now();
            let mut next = None;
            for kind in ServiceKind::ALL {
                world.engine().record(kind, now).await.expect("a store that works");
            }
            for kind in ServiceKind::ALL {
                let at = world.engine().step(kind, now).await.expect("a store that works");
                next = next.into_iter().chain(at).min();
            }
            world.begin_all().await;
            if ServiceKind::ALL.iter().any(|kind| world.engine().unrecorded(*kind) > 0) {
                continue;
            }
            let awaited = world.clock.awaited().first().copied();
            let at = next.into_iter().chain(awaited).filter(|at| *at > now).min();
            world.pass(at.map_or(moment, |at| at.min(moment)).since(now)).await;
        }
    }

    async fn succeeded(&self) -> u32 {
        let mut succeeded = 0;
        for id in &self.jobs {
            let job = self.world.service().store.job(*id, None).await.expect("a readable store").expect("a job");
            succeeded += job.counts.succeeded;
        }
        succeeded
    }

    async fn waits(&self, id: JobId) -> Option<(WaitingReason, Option<Timestamp>)> {
        let job = self.world.service().store.job(id, None).await.expect("a readable store").expect("a job");
        let view = self.world.service().view(job).await.expect("a readable store");
        view.waiting.map(|waiting| (waiting.why.reason, waiting.why.until))
    }

    fn no_call_was_refused(&self) {
        let refused: Vec<_> =
            self.world.sites["first"].cloud().calls().into_iter().filter(|call| call.code.is_some()).collect();
        assert!(refused.is_empty(), "{refused:?}");
    }
}

#[tokio::test]
async fn what_a_day_cannot_carry_waits_for_midnight_and_urgent_jobs_do_not() {
    let mut day = Day::begin().await;
    let mut last = None;
    for _ in 0..12 {
        last = Some(day.post(1_000, "normal").await);
    }
    let last = last.expect("a job");
    day.work_until(MIDNIGHT - MINUTE * 120).await;
    assert_eq!(day.succeeded().await, 9_500, "all but the reserve for urgent jobs");
    assert_eq!(day.waits(last).await, Some((WaitingReason::DayQuota, Some(MIDNIGHT))));
    let urgent = day.post(200, "urgent").await;
    day.work_until(MIDNIGHT - MINUTE * 60).await;
    assert_eq!((day.waits(urgent).await, day.succeeded().await), (None, 9_700));
    day.work_until(MIDNIGHT - MINUTE * 16).await;
    assert_eq!(day.succeeded().await, 9_700);
    day.work_until(MIDNIGHT - MINUTE * 5).await;
    assert_eq!(day.succeeded().await, 10_000, "an unused reserve would be lost");
    day.work_until(MIDNIGHT - Duration::from_secs(1)).await;
    day.no_call_was_refused();
    assert_eq!(day.succeeded().await, 10_000);
    day.work_until(MIDNIGHT + MINUTE * 5).await;
    assert_eq!((day.succeeded().await, day.waits(last).await), (12_200, None));
    day.no_call_was_refused();
}

#[tokio::test]
async fn what_others_spend_of_the_same_pool_is_respected() {
    let mut day = Day::begin().await;
    for _ in 0..5 {
        day.post(1_000, "normal").await;
    }
    day.work_until(MIDNIGHT - MINUTE * 180).await;
    assert_eq!(day.succeeded().await, 5_000);
    day.change(None, 3_000);
    // Until the quota was read again.
    day.work_until(MIDNIGHT - MINUTE * 160).await;
    for _ in 0..5 {
        day.post(1_000, "normal").await;
    }
    day.work_until(MIDNIGHT - MINUTE * 60).await;
    assert_eq!(day.succeeded().await, 6_500);
    day.no_call_was_refused();
    day.work_until(MIDNIGHT + MINUTE * 5).await;
    assert_eq!(day.succeeded().await, 10_000);
    day.no_call_was_refused();
}
