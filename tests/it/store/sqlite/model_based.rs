//! The store against a small model of the state tables (docs/laws.md): random walks, compared after each step.

mod walk;

use std::collections::BTreeSet;

use refreshd::domain::{ItemState, SubmissionState};

/// The store's own bounds: scans of one claim and how far they go, and how long a held target is set aside.
const SCANS_MAX: usize = 16;
const MARGIN_SHARE: usize = 8;
const HOLD_MILLIS: i64 = 1_000;
const PURGE_MILLIS: i64 = 5_000;
const PURGE_MILLIS_EACH: i64 = 5;

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
    /// Which half of which refused submission it must be sent with.
    pub cohort: Option<(usize, bool)>,
    /// The purges that this prefetch waits for.
    pub after: Vec<usize>,
    /// It was covered by a directory once.
    pub rode: bool,
}

#[derive(Debug, Clone)]
pub struct ModelSubmission {
    pub way: Way,
    pub state: SubmissionState,
    /// By the number of the item.
    pub items: BTreeSet<usize>,
    /// Of another lane: URL purges below the directory that covers all.
    pub riders: BTreeSet<usize>,
    pub targets: usize,
    pub task: Option<u32>,
}

#[derive(Debug, Default)]
pub struct Model {
    pub items: Vec<ModelItem>,
    pub deadlines: Vec<Option<i64>>,
    pub not_before: Vec<Option<i64>>,
    pub submissions: Vec<ModelSubmission>,
    /// Jobs with a cancel mark.
    pub cancelled: BTreeSet<usize>,
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

    /// Targets of a way whose call has no answer.
    fn held(&self, way: Way) -> BTreeSet<u32> {
        let lost = |one: &&ModelSubmission| one.state == SubmissionState::Ambiguous && one.way == way;
        self.submissions.iter().filter(lost).flat_map(|one| self.targets(one.items.iter())).collect()
    }

    /// Law 6: a purge that covers the prefetch's target was asked for before, is open, and was not asked for later than now.
    fn waits_for_a_purge(&self, n: usize, now: i64) -> bool {
        let target = self.items[n].target;
        let covers = |purge: &ModelItem| match purge.way {
            Way::Purge => purge.target == target,
            Way::Directory => walk::covers_all(purge.target),
            Way::Prefetch => false,
        };
        let is_not_due = |purge: &ModelItem| {
            matches!(purge.wait, Wait::Delayed(_)) && self.not_before[purge.job].is_some_and(|moment| moment > now)
        };
        let holds = |item: &ModelItem| !item.state.is_final() && covers(item) && !is_not_due(item);
        self.items[n].way == Way::Prefetch && self.items[..n].iter().any(holds)
    }

    /// What a claim takes now (docs/decisions/0010). What may not go is deferred, so that the next scan does not see it.
    pub fn pick(&mut self, way: Way, limit: usize, now: i64) -> Vec<usize> {
        let some_held = self.submissions.iter().any(|one| one.state == SubmissionState::Ambiguous);
        let margin = if some_held || way == Way::Prefetch { limit / MARGIN_SHARE } else { 0 };
        let (mut ahead, mut put_off, mut batch) = (limit + margin, 0, Vec::new());
        for _ in 0..SCANS_MAX {
            let is_wide = ahead > limit + margin;
            let found = self.heads(way, ahead, if is_wide { ahead } else { limit / 10 + 1 });
            let reached_limit = found.len() >= ahead;
            let others_max = if self.urgent_items_of_another_group_wait(way, &found) { 0 } else { usize::MAX };
            let (deferred, eligible) = self.defer(&found, &mut put_off, now);
            let left_over;
            (batch, left_over) = self.places(&eligible, limit, others_max);
            if deferred.is_empty() && reached_limit && !is_wide {
                ahead *= 2;
            }
            let has_room = limit - self.targets(batch.iter()).len() > limit / MARGIN_SHARE && left_over == 0;
            let defers_urgent = deferred.iter().any(|n| self.items[*n].priority == 0);
            if !defers_urgent && !(has_room && (!deferred.is_empty() || (reached_limit && !is_wide))) {
                break;
            }
        }
        self.with_riders(way, batch, now)
    }

    /// Of the items that a scan found, those that have to wait, and those that may go.
    fn defer(&mut self, found: &[usize], put_off: &mut i64, now: i64) -> (Vec<usize>, Vec<usize>) {
        let Some(way) = found.first().map(|n| self.items[*n].way) else { return Default::default() };
        let held = self.held(way);
        let (mut deferred, mut eligible) = (Vec::new(), Vec::new());
        for n in found.iter().copied() {
            let wait = if held.contains(&self.items[n].target) {
                HOLD_MILLIS
            } else if self.waits_for_a_purge(n, now) {
                *put_off += 1;
                PURGE_MILLIS + PURGE_MILLIS_EACH * (*put_off - 1)
            } else {
                eligible.push(n);
                continue;
            };
            self.items[n].wait = Wait::Delayed(now + wait);
            deferred.push(n);
        }
        (deferred, eligible)
    }

    fn urgent_items_of_another_group_wait(&self, way: Way, found: &[usize]) -> bool {
        let is_apart = found.first().is_some_and(|n| self.items[*n].cohort.is_some());
        let waits = |item: &ModelItem| item.way == way && item.is_due() && item.priority == 0 && item.cohort.is_none();
        is_apart && self.items.iter().any(waits)
    }

    /// Items with an equal target share its place.
    fn with_riders(&self, way: Way, batch: Vec<usize>, now: i64) -> Vec<usize> {
        let rides = |n: &usize| {
            let item = &self.items[*n];
            let wanted = batch.iter().any(|other| self.items[*other].target == item.target);
            item.way == way && item.is_due() && wanted && !batch.contains(n) && !self.waits_for_a_purge(*n, now)
        };
        let riders: Vec<usize> = (0..self.items.len()).filter(rides).collect();
        [batch, riders].concat()
    }

    /// Calls of a way so far.
    pub fn calls(&self, way: Way) -> usize {
        self.submissions.iter().filter(|one| one.way == way).count()
    }

    /// The items that the next scan reads, of one group: so many in all, and so many at least of each priority.
    fn heads(&self, way: Way, ahead: usize, each: usize) -> Vec<usize> {
        let due: Vec<usize> =
            (0..self.items.len()).filter(|n| self.items[*n].way == way && self.items[*n].is_due()).collect();
        let of = |priority| due.iter().filter(move |n| self.items[**n].priority == priority);
        let cohorts = |priority| of(priority).filter_map(|n| self.items[*n].cohort).min();
        let apart = || due.iter().filter_map(|n| self.items[*n].cohort).min();
        let first = (0..3).find(|priority| of(*priority).next().is_some()).unwrap_or_default();
        // One call of ten is for isolated items, unless urgent ones are due.
        let their_turn = first > 0 && self.calls(way) % 10 == 9;
        let group = if their_turn { apart() } else { None }.or_else(|| cohorts(first));
        let mut found: Vec<usize> = Vec::new();
        for priority in 0..3 {
            let limit = if priority == 0 { ahead } else { ahead.saturating_sub(found.len()).max(each) };
            found.extend(of(priority).filter(|n| self.items[**n].cohort == group).take(limit));
        }
        found
    }

    /// Nine of ten places by priority, then by age; equal targets share one. And how many found no place.
    fn places(&self, heads: &[usize], limit: usize, others_max: usize) -> (Vec<usize>, usize) {
        let mut by_age = heads.to_vec();
        by_age.sort_unstable();
        let (mut targets, mut batch, mut others) = (Vec::new(), Vec::new(), 0);
        for (order, places) in [(heads, limit - limit / 10), (&by_age, limit), (&by_age, 0)] {
            for n in order.iter().filter(|n| !batch.contains(*n)).copied().collect::<Vec<_>>() {
                let (target, is_other) = (self.items[n].target, self.items[n].priority > 0);
                if targets.len() < places && !targets.contains(&target) && (!is_other || others < others_max) {
                    others += usize::from(is_other);
                    targets.push(target);
                }
                if targets.contains(&target) {
                    batch.push(n);
                }
            }
        }
        let left_over = heads.len() - batch.len();
        (batch, left_over)
    }

    pub fn claim(&mut self, way: Way, batch: &[usize]) {
        for n in batch {
            self.items[*n].state = ItemState::Submitted;
            self.started.insert(self.items[*n].job);
        }
        let targets = self.targets(batch.iter()).len();
        let items = batch.iter().copied().collect();
        let riders = self.board(way, batch);
        let state = SubmissionState::Sending;
        self.submissions.push(ModelSubmission { way, state, items, riders, targets, task: None });
    }

    /// Law 5: URL purges below a directory that leaves go with it, but each only once.
    fn board(&mut self, way: Way, batch: &[usize]) -> BTreeSet<usize> {
        let covers = |n: &usize| way == Way::Directory && walk::covers_all(self.items[*n].target);
        if !batch.iter().any(covers) {
            return BTreeSet::new();
        }
        let held = self.held(Way::Purge);
        let rides =
            |item: &ModelItem| item.way == Way::Purge && item.is_due() && !item.rode && !held.contains(&item.target);
        let riders: BTreeSet<usize> = (0..self.items.len()).filter(|n| rides(&self.items[*n])).collect();
        for n in &riders {
            (self.items[*n].state, self.items[*n].rode) = (ItemState::Submitted, true);
            self.started.insert(self.items[*n].job);
        }
        riders
    }

    /// The directory was not done: the URLs that it covered are due as they were.
    fn alight(&mut self, riders: BTreeSet<usize>) {
        for n in riders {
            let item = &mut self.items[n];
            let cancelled = self.cancelled.contains(&item.job);
            (item.state, item.wait) = (if cancelled { ItemState::Cancelled } else { ItemState::Pending }, Wait::Due);
        }
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
        let (items, riders) = self.close(submission, state);
        self.alight(riders);
        let targets = self.submissions[submission].targets;
        if isolate && targets == 1 {
            items.iter().for_each(|n| self.fail(*n));
            return;
        }
        // The halves are of neighbours: by the text of the target, all of one host here.
        let way = self.submissions[submission].way;
        let texts: BTreeSet<String> =
            items.iter().map(|n| walk::named(way, self.items[*n].target).to_string()).collect();
        for n in items {
            let item = &mut self.items[n];
            let cancelled = self.cancelled.contains(&item.job);
            (item.state, item.wait) = (if cancelled { ItemState::Cancelled } else { ItemState::Pending }, Wait::Due);
            if isolate {
                let text = walk::named(way, item.target).to_string();
                let place = texts.iter().position(|other| *other == text).unwrap_or_default();
                item.cohort = Some((submission, place >= targets / 2));
            }
        }
    }

    pub fn settle(&mut self, submission: usize, failed: &BTreeSet<u32>, attempts_max: u32, again_at: i64) {
        let (items, riders) = self.close(submission, SubmissionState::Settled);
        let (mut back, mut done) = (riders, BTreeSet::new());
        if !failed.iter().any(|target| walk::covers_all(*target)) {
            std::mem::swap(&mut back, &mut done);
        }
        self.alight(back);
        for n in done {
            let item = &mut self.items[n];
            (item.state, item.cohort, item.attempts) = (ItemState::Succeeded, None, item.attempts + 1);
            self.follow(n);
        }
        for n in items {
            let item = &mut self.items[n];
            item.cohort = None;
            if !failed.contains(&item.target) {
                item.state = ItemState::Succeeded;
                item.attempts += 1;
                self.follow(n);
            } else if item.attempts + 1 < attempts_max && !self.cancelled.contains(&item.job) {
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
        self.follow(n);
    }

    /// Lets those go that waited for this purge last, or ends them with it.
    fn follow(&mut self, purge: usize) {
        let waiting = |n: &usize| self.items[*n].is_blocked() && self.items[*n].after.contains(&purge);
        for n in (0..self.items.len()).filter(waiting).collect::<Vec<_>>() {
            let purges: Vec<ItemState> = self.items[n].after.iter().map(|purge| self.items[*purge].state).collect();
            if purges.iter().any(|state| state.is_final() && *state != ItemState::Succeeded) {
                self.items[n].state = ItemState::Failed;
            } else if purges.iter().all(|state| *state == ItemState::Succeeded) {
                self.items[n].wait = Wait::Due;
            }
        }
    }

    fn close(&mut self, submission: usize, state: SubmissionState) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let submission = &mut self.submissions[submission];
        submission.state = state;
        (std::mem::take(&mut submission.items), std::mem::take(&mut submission.riders))
    }

    /// Whether there was anything to cancel.
    pub fn cancel(&mut self, job: usize) -> bool {
        let open = |item: &&mut ModelItem| item.job == job && !item.state.is_final();
        let mut found = false;
        for item in self.items.iter_mut().filter(open) {
            found = true;
            if item.state == ItemState::Pending {
                item.state = ItemState::Cancelled;
            }
        }
        if found {
            self.cancelled.insert(job);
        }
        found
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
