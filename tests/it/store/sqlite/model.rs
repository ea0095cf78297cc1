//! The store against a small model of the state tables (DESIGN §4): random walks, compared after each step.

mod walk;

use std::collections::{BTreeMap, BTreeSet};

use refreshd::domain::{ItemState, SubmissionState};

/// Lanes of the model's world: purges and prefetches of URLs, and purges of directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Purge,
    Directory,
    Prefetch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Due,
    Delayed(i64),
    Blocked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelItem {
    pub job: usize,
    pub way: Way,
    pub target: u32,
    pub priority: usize,
    pub state: ItemState,
    pub wait: Wait,
    pub attempts: u32,
    /// Which half of which refused submission it must travel with.
    pub cohort: Option<(usize, bool)>,
    /// The prefetch that waits for this purge.
    pub follower: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct ModelSubmission {
    pub way: Way,
    pub state: SubmissionState,
    /// By the number of the item.
    pub items: BTreeSet<usize>,
    pub targets: usize,
    pub task: Option<u32>,
}

#[derive(Debug, Default)]
pub struct Model {
    pub items: Vec<ModelItem>,
    pub deadlines: Vec<Option<i64>>,
    pub submissions: Vec<ModelSubmission>,
    /// Jobs of which an item was claimed once.
    pub started: BTreeSet<usize>,
}

impl Model {
    pub fn due(&self, way: Way) -> [u64; 3] {
        let mut due = [0; 3];
        for item in self.items.iter().filter(|item| item.way == way && item.is_due()) {
            due[item.priority] += 1;
        }
        due
    }

    /// An ambiguous submission holds its account and operation.
    pub fn held(&self, way: Way) -> bool {
        let prefetch = |way| way == Way::Prefetch;
        self.submissions.iter().any(|one| one.state == SubmissionState::Ambiguous && prefetch(one.way) == prefetch(way))
    }

    /// The items that the next claim takes: one company, by priority and age, so many at most.
    pub fn next_batch(&self, way: Way, limit: usize) -> Vec<usize> {
        let due: Vec<usize> =
            (0..self.items.len()).filter(|n| self.items[*n].way == way && self.items[*n].is_due()).collect();
        let cohorts = |urgent: bool| {
            due.iter()
                .filter(move |n| !urgent || self.items[**n].priority == 0)
                .filter_map(|n| self.items[*n].cohort)
                .min()
        };
        let open_urgent = due.iter().any(|n| self.items[*n].cohort.is_none() && self.items[*n].priority == 0);
        let company = cohorts(true).or_else(|| if open_urgent { None } else { cohorts(false) });
        let mut batch: Vec<usize> = due.iter().copied().filter(|n| self.items[*n].cohort == company).collect();
        batch.sort_by_key(|n| (self.items[*n].priority, *n));
        batch.truncate(limit);
        batch
    }

    pub fn claim(&mut self, way: Way, batch: &[usize]) {
        for n in batch {
            self.items[*n].state = ItemState::Submitted;
            self.started.insert(self.items[*n].job);
        }
        let targets = self.targets(batch.iter()).len();
        let items = batch.iter().copied().collect();
        self.submissions.push(ModelSubmission { way, state: SubmissionState::Sending, items, targets, task: None });
    }

    pub fn targets<'a>(&self, items: impl Iterator<Item = &'a usize>) -> BTreeSet<u32> {
        items.map(|n| self.items[*n].target).collect()
    }

    /// Whether the state table lets the submission become that.
    pub fn may(&self, submission: usize, next: SubmissionState) -> bool {
        self.submissions[submission].state.may_become(next)
    }

    pub fn knows_task(&self, task: u32, way: Way) -> bool {
        let prefetch = |way| way == Way::Prefetch;
        self.submissions.iter().any(|one| one.task == Some(task) && prefetch(one.way) == prefetch(way))
    }

    pub fn give_back(&mut self, submission: usize, state: SubmissionState, isolate: bool) {
        let items = self.close(submission, state);
        let targets = self.submissions[submission].targets;
        if isolate && targets == 1 {
            items.iter().for_each(|n| self.fail(*n));
            return;
        }
        // The places of the targets are those of their first items.
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        for n in &items {
            let next = places.len();
            places.entry(self.items[*n].target).or_insert(next);
        }
        for n in items {
            let item = &mut self.items[n];
            (item.state, item.wait) = (ItemState::Pending, Wait::Due);
            if isolate {
                item.cohort = Some((submission, places[&item.target] >= targets / 2));
            }
        }
    }

    pub fn settle(&mut self, submission: usize, failed: &BTreeSet<u32>, attempts_max: u32, again_at: i64) {
        for n in self.close(submission, SubmissionState::Settled) {
            let item = &mut self.items[n];
            item.cohort = None;
            if !failed.contains(&item.target) {
                item.state = ItemState::Succeeded;
                item.attempts += 1;
                let follower = item.follower.map(|follower| &mut self.items[follower]);
                if let Some(follower) = follower.filter(|follower| follower.is_blocked()) {
                    follower.wait = Wait::Due;
                }
            } else if item.attempts + 1 < attempts_max {
                item.attempts += 1;
                (item.state, item.wait) = (ItemState::Pending, Wait::Delayed(again_at));
            } else {
                self.fail(n);
            }
        }
    }

    fn fail(&mut self, n: usize) {
        let item = &mut self.items[n];
        (item.state, item.attempts) = (ItemState::Failed, item.attempts + 1);
        let follower = item.follower.map(|follower| &mut self.items[follower]);
        if let Some(follower) = follower.filter(|follower| follower.is_blocked()) {
            follower.state = ItemState::Failed;
        }
    }

    fn close(&mut self, submission: usize, state: SubmissionState) -> BTreeSet<usize> {
        let submission = &mut self.submissions[submission];
        submission.state = state;
        std::mem::take(&mut submission.items)
    }

    /// Deadlines first, then moments.
    pub fn ripen(&mut self, now: i64) {
        for item in self.items.iter_mut().filter(|item| item.state == ItemState::Pending) {
            if self.deadlines[item.job].is_some_and(|deadline| deadline <= now) {
                item.state = ItemState::Expired;
            } else if matches!(item.wait, Wait::Delayed(until) if until <= now) {
                item.wait = Wait::Due;
            }
        }
    }

    pub fn next_ripe(&self) -> Option<i64> {
        let pending = || self.items.iter().filter(|item| item.state == ItemState::Pending);
        let delayed =
            pending().filter_map(|item| if let Wait::Delayed(until) = item.wait { Some(until) } else { None });
        delayed.chain(pending().filter_map(|item| self.deadlines[item.job])).min()
    }
}

impl ModelItem {
    fn is_due(&self) -> bool {
        self.state == ItemState::Pending && self.wait == Wait::Due
    }

    fn is_blocked(&self) -> bool {
        self.state == ItemState::Pending && self.wait == Wait::Blocked
    }
}
