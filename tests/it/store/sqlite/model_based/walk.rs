//! Random walks: the same steps to the store and to the model, and what must be equal after each of them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use refreshd::domain::{
    ErrorClass, Failure, ItemState, LaneId, Priority, SubmissionId, SubmissionState, Target, TargetKind,
};
use refreshd::store::{
    CallSequence, Claim, Grant, Guarded, Item, Job, JobPart, NewJob, OnlineHosts, PartState, Release, ReleaseAction,
    RowRetry, Store,
};

use super::super::{Fresh, fresh};
use super::{Model, ModelItem, ModelSubmission, Wait, Way};
use crate::store::fixtures::{
    at, directory, failed_target, items, job, keep, lane_of, prefetch, purge, refresh_of, url,
};
use crate::support::slow;

#[derive(Debug, Clone)]
enum Step {
    Create { urls: std::ops::Range<u32>, kind: u8, priority: usize, delay: Option<i64>, deadline: Option<i64> },
    Claim { way: Way, limit: u32 },
    Accept { submission: prop::sample::Index, task: u32 },
    GiveBack { submission: prop::sample::Index, released: bool, isolate: bool },
    Lose { submission: prop::sample::Index },
    Cancel { job: prop::sample::Index },
    Settle { submission: prop::sample::Index, failed: u32, attempts_max: u32, wait: i64 },
    Pass { millis: i64 },
    Restart,
}

fn ways() -> impl Strategy<Value = Way> {
    prop_oneof![3 => Just(Way::Purge), 1 => Just(Way::Directory), 2 => Just(Way::Prefetch)]
}

fn steps() -> impl Strategy<Value = Step> {
    let submission = any::<prop::sample::Index>;
    let moment = || prop::option::weighted(0.2, 1i64..40);
    prop_oneof![
        // Few targets, so that jobs meet on them; sometimes enough for the bulk path.
        4 => (0u32..6, prop_oneof![6 => 1u32..5, 1 => 16u32..19], 0u8..4, 0usize..3, moment(), moment()).prop_map(
            |(first, count, kind, priority, delay, deadline)| Step::Create {
                urls: first..first + count, kind, priority, delay, deadline
            }
        ),
        8 => (ways(), 1u32..8).prop_map(|(way, limit)| Step::Claim { way, limit }),
        6 => (submission(), 0u32..40).prop_map(|(submission, task)| Step::Accept { submission, task }),
        4 => (submission(), any::<bool>(), any::<bool>())
            .prop_map(|(submission, released, isolate)| Step::GiveBack { submission, released, isolate }),
        2 => submission().prop_map(|submission| Step::Lose { submission }),
        1 => submission().prop_map(|job| Step::Cancel { job }),
        6 => (submission(), any::<u32>(), 0u32..4, 0i64..30).prop_map(|(submission, mask, attempts_max, wait)| {
            // Most tasks go well.
            let failed = if mask.is_multiple_of(3) { mask } else { 0 };
            Step::Settle { submission, failed, attempts_max, wait }
        }),
        2 => (0i64..20).prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Restart),
    ]
}

/// The store and the model side by side.
struct Pair {
    fresh: Fresh,
    model: Model,
    jobs: Vec<Job>,
    /// The store's submissions, in the model's order.
    submissions: Vec<SubmissionId>,
    lanes: [Option<LaneId>; 3],
    now: i64,
    /// Items as they ended.
    ended: Vec<Option<Item>>,
}

impl Pair {
    async fn new() -> Self {
        let (jobs, submissions, ended) = (Vec::new(), Vec::new(), Vec::new());
        Self { fresh: fresh().await, model: Model::default(), jobs, submissions, lanes: [None; 3], now: 1, ended }
    }

    fn store(&self) -> &dyn Store {
        self.fresh.store()
    }

    async fn step(&mut self, step: Step) {
        self.now += 1;
        match step {
            Step::Create { urls, kind, priority, delay, deadline } => {
                self.create(urls, kind, priority, delay, deadline).await;
            }
            Step::Claim { way, limit } => self.claim(way, limit).await,
            Step::Accept { submission, task } => {
                if let Some(n) = self.pick(submission, |one| one.state.may_become(SubmissionState::Accepted)) {
                    self.accept(n, task).await;
                }
            }
            Step::GiveBack { submission, released, isolate } => {
                if let Some(n) = self.pick(submission, |one| one.state != SubmissionState::Accepted) {
                    let state = if released { SubmissionState::Released } else { SubmissionState::Refused };
                    self.give_back(n, state, isolate).await;
                }
            }
            Step::Lose { submission } => {
                if let Some(n) = self.pick(submission, |_| true) {
                    self.lose(n).await;
                }
            }
            Step::Settle { submission, failed, attempts_max, wait } => {
                if let Some(n) = self.pick(submission, |one| one.state == SubmissionState::Accepted) {
                    self.settle(n, failed, attempts_max, wait).await;
                }
            }
            Step::Cancel { job } if !self.jobs.is_empty() => {
                let n = job.index(self.jobs.len());
                let outcome = self.store().cancel(self.jobs[n].row, at(self.now)).await.expect("an outcome");
                assert_eq!(outcome, told(self.model.cancel(n)));
            }
            Step::Cancel { .. } => {}
            Step::Pass { millis } => {
                self.now += millis;
                self.store().fire_timers(at(self.now)).await.expect("a look");
                self.model.ripen(self.now);
            }
            Step::Restart => {
                let left = self.store().recover(at(self.now)).await.expect("a start");
                let sending = |one: &&mut ModelSubmission| one.state == SubmissionState::Sending;
                let found = self.model.submissions.iter_mut().filter(sending);
                assert_eq!(left, found.map(|one| one.state = SubmissionState::Ambiguous).count() as u64);
            }
        }
    }

    /// A submission that fits, or sometimes any: what does not fit must change nothing.
    fn pick(&self, index: prop::sample::Index, fits: impl Fn(&ModelSubmission) -> bool) -> Option<usize> {
        let all = &self.model.submissions;
        let fitting: Vec<usize> = (0..all.len()).filter(|n| fits(&all[*n])).collect();
        let any = index.index(7) == 0 || fitting.is_empty();
        if all.is_empty() {
            None
        } else if any {
            Some(index.index(all.len()))
        } else {
            Some(fitting[index.index(fitting.len())])
        }
    }

    async fn create(
        &mut self,
        urls: std::ops::Range<u32>,
        kind: u8,
        priority: usize,
        delay: Option<i64>,
        deadline: Option<i64>,
    ) {
        let directories = 0..urls.start % 3;
        let draft = match kind {
            0 => purge(urls.clone()),
            1 => prefetch(urls.clone()),
            _ => refresh_of(
                urls.clone().map(url).collect(),
                directories.clone().map(|target| named(Way::Directory, target)).collect(),
                Vec::new(),
            ),
        };
        let (job, first) = (self.jobs.len(), self.model.items.len());
        let start = delay.map_or(PartState::Due, |delay| PartState::Delayed(at(self.now + delay)));
        let delayed =
            |part: JobPart| JobPart { state: if part.state == PartState::Due { start } else { part.state }, ..part };
        let draft = NewJob {
            priority: Priority::ALL[priority],
            not_before: delay.map(|delay| at(self.now + delay)),
            deadline: deadline.map(|deadline| at(self.now + deadline)),
            parts: draft.parts.into_iter().map(delayed).collect(),
            ..draft
        };
        let wait = delay.map_or(Wait::Due, |delay| Wait::Delayed(self.now + delay));
        let count = urls.len();
        let mut add = |way, target, wait, after| {
            let (state, attempts, cohort, rode) = (ItemState::Pending, 0, None, false);
            self.model.items.push(ModelItem { job, way, target, priority, state, wait, attempts, cohort, after, rode });
        };
        match kind {
            0 => urls.for_each(|target| add(Way::Purge, target, wait, vec![])),
            1 => urls.for_each(|target| add(Way::Prefetch, target, wait, vec![])),
            _ => {
                urls.clone().for_each(|target| add(Way::Purge, target, wait, vec![]));
                directories.clone().for_each(|target| add(Way::Directory, target, wait, vec![]));
                for (place, target) in urls.enumerate() {
                    let above = directories.clone().position(covers_all).map(|place| first + count + place);
                    let after = above.into_iter().chain([first + place]).collect();
                    add(Way::Prefetch, target, Wait::Blocked, after);
                }
            }
        }
        self.model.not_before.push(delay.map(|delay| self.now + delay));
        self.model.deadlines.push(deadline.map(|deadline| self.now + deadline));
        let kept = keep(self.store(), draft, at(self.now)).await;
        for place in 0..self.model.items.len() - first {
            let way = self.model.items[first + place].way;
            if self.lanes[way as usize].is_none() {
                self.lanes[way as usize] = Some(lane_of(self.store(), &kept, place).await);
            }
        }
        self.jobs.push(kept);
        self.ended.resize(self.model.items.len(), None);
    }

    async fn claim(&mut self, way: Way, limit: u32) {
        let Some(lane) = self.lanes[way as usize] else { return };
        let batch = self.model.pick(way, limit as usize, self.now);
        let grant = Grant {
            lane,
            sequence: CallSequence(self.model.calls(way) as u64),
            targets_max: limit,
            non_urgent_max: u32::MAX,
            bytes_max: 1 << 20,
            online_hosts: OnlineHosts::default(),
            suspended_hosts: Vec::new(),
            shares: Vec::new(),
        };
        let claim = self.store().claim(grant, at(self.now)).await.expect("a claim");
        let Some(Claim { submission, targets, items, .. }) = claim else {
            return assert!(batch.is_empty(), "{batch:?}");
        };
        let mut expected: Vec<u32> = Vec::new();
        for n in &batch {
            if !expected.contains(&self.model.items[*n].target) {
                expected.push(self.model.items[*n].target);
            }
        }
        let expected: Vec<Target> = expected.into_iter().map(|target| named(way, target)).collect();
        assert_eq!((targets, items as usize), (expected, batch.len()));
        self.model.claim(way, &batch);
        self.submissions.push(submission);
    }

    async fn accept(&mut self, n: usize, task: u32) {
        let outcome =
            self.store().accept(self.submissions[n], &format!("t-{task}"), None, at(self.now), at(self.now)).await;
        let one = &self.model.submissions[n];
        let may = self.model.may(n, SubmissionState::Accepted) && !self.model.knows_task(task, one.way);
        assert_eq!(outcome.expect("an outcome"), told(may));
        if may {
            let one = &mut self.model.submissions[n];
            (one.state, one.task) = (SubmissionState::Accepted, Some(task));
        }
    }

    async fn give_back(&mut self, n: usize, state: SubmissionState, isolate: bool) {
        let failure = Failure::new(ErrorClass::BadTarget, "refused", "no");
        let back = Release {
            state,
            failure,
            items: if isolate { ReleaseAction::SplitTargets } else { ReleaseAction::Requeue },
        };
        let outcome = self.store().release(self.submissions[n], back, at(self.now)).await.expect("an outcome");
        let may = self.model.may(n, state);
        assert_eq!(outcome, told(may));
        if may {
            self.model.give_back(n, state, isolate);
        }
    }

    async fn lose(&mut self, n: usize) {
        let failure = Failure::new(ErrorClass::Lost, "lost", "no answer");
        let outcome = self.store().mark_ambiguous(self.submissions[n], failure, at(self.now), at(self.now)).await;
        let may = self.model.may(n, SubmissionState::Ambiguous);
        assert_eq!(outcome.expect("an outcome"), told(may));
        if may {
            self.model.submissions[n].state = SubmissionState::Ambiguous;
        }
    }

    async fn settle(&mut self, n: usize, mask: u32, attempts_max: u32, wait: i64) {
        let one = &self.model.submissions[n];
        let all = self.model.targets(one.items.iter());
        let failed: BTreeSet<u32> = all.into_iter().filter(|target| mask >> (target % 32) & 1 == 1).collect();
        let reported = failed.iter().map(|target| failed_target(&named(one.way, *target))).collect();
        let again_at = self.now + wait;
        let retry = RowRetry { attempts_max, at: at(again_at) };
        let outcome =
            self.store().settle(self.submissions[n], reported, retry, at(self.now)).await.expect("an outcome");
        let may = self.model.may(n, SubmissionState::Settled);
        assert_eq!(outcome, told(may));
        if may {
            self.model.settle(n, &failed, attempts_max, again_at);
        }
    }

    /// What the store says of itself is what the model says; its rows were recounted with each change.
    async fn compare(&mut self) {
        let store = self.fresh.store();
        let mut number = 0;
        for (n, kept) in self.jobs.iter().enumerate() {
            let first = number;
            for item in items(store, kept).await {
                let model = &self.model.items[number];
                assert_eq!(item.target, named(model.way, model.target));
                let wait = match (item.blocked, item.delayed_until) {
                    (true, _) => Wait::Blocked,
                    (false, Some(until)) => Wait::Delayed(until.as_millis() - at(0).as_millis()),
                    (false, None) => Wait::Due,
                };
                assert_eq!(item.state, model.state, "item {number}");
                assert!(item.state != ItemState::Pending || wait == model.wait, "item {number}: {wait:?}");
                let travelling = item.state == ItemState::Submitted && item.task_id.is_some();
                assert_eq!(item.attempts - u32::from(travelling), model.attempts, "item {number}");
                if let Some(ended) = &self.ended[number] {
                    assert_eq!(&item, ended, "a final item never changes");
                }
                if item.state.is_final() {
                    self.ended[number] = Some(item);
                }
                number += 1;
            }
            let found = job(store, kept).await;
            let of = |state| self.model.items[first..number].iter().filter(|item| item.state == state).count();
            for &state in ItemState::ALL {
                assert_eq!(found.counts.of(state) as usize, of(state), "job {n}: {state}");
            }
            assert_eq!(found.started, self.model.started.contains(&n));
            assert_eq!(found.finished_at.is_some(), of(ItemState::Pending) + of(ItemState::Submitted) == 0);
        }
        assert_eq!(number, self.model.items.len());
        let depths = store.lane_depths().await.expect("lanes");
        for way in [Way::Purge, Way::Directory, Way::Prefetch] {
            let depth = depths.iter().find(|depth| Some(depth.id) == self.lanes[way as usize]);
            assert_eq!(depth.map_or([0; 3], |depth| depth.due), self.model.due(way), "{way:?}");
        }
        let next = store.next_timer().await.expect("a moment").map(|next| next.as_millis() - at(0).as_millis());
        assert_eq!(next, self.model.next_ripe());
        for (n, id) in self.submissions.iter().enumerate() {
            let one = &self.model.submissions[n];
            let targets: BTreeSet<Target> = store.targets(*id).await.expect("targets").into_iter().collect();
            let expected =
                self.model.targets(one.items.iter()).into_iter().map(|target| named(one.way, target)).collect();
            assert_eq!(targets, expected, "submission {n}");
        }
    }
}

/// One directory is the whole site, above every URL; below the others there is none.
pub fn named(way: Way, target: u32) -> Target {
    match way {
        Way::Directory if covers_all(target) => {
            Target::parse(TargetKind::Directory, "https://www.example.com/").expect("a directory")
        }
        Way::Directory => directory(target),
        Way::Purge | Way::Prefetch => url(target),
    }
}

pub fn covers_all(directory: u32) -> bool {
    directory == 1
}

fn told(done: bool) -> Guarded {
    if done { Guarded::Done } else { Guarded::Conflict }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if slow() { 400 } else { 16 },
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_random_walk_goes_as_the_state_tables_say(walk in prop::collection::vec(steps(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for step in walk {
                pair.step(step).await;
                pair.compare().await;
            }
        });
    }
}
