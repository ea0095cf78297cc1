//! Tasks and their rows: when each row will end, how, and which rows are due.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use uuid::Uuid;

use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::edge::cache::EdgeScheme;

/// What a task does, which is also what its quota is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskKind {
    PurgeUrl,
    PurgePath,
    Push,
}

impl TaskKind {
    /// The words of the domain file and the control endpoint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PurgeUrl => "urls",
            Self::PurgePath => "directories",
            Self::Push => "prefetches",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::PurgeUrl, Self::PurgePath, Self::Push].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a purge does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Ask the origin next time, and keep the copy if its `Last-Modified` is the same.
    Flush,
    Delete,
}

impl Flush {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Delete => "delete",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowStatus {
    Process,
    Done,
    Fail,
    Invalid,
}

impl RowStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Done => "done",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) kind: TaskKind,
    pub(crate) flush: Flush,
    /// When it was made, by the sandbox's own clock.
    pub(crate) made_at: Timestamp,
    /// When it was made, as the API tells it: a skewed clock shows here.
    pub(crate) created_at: Timestamp,
    pub(crate) listed_from: Timestamp,
    pub(crate) rows: Vec<TaskRow>,
}

#[derive(Debug)]
pub(crate) struct TaskRow {
    pub(crate) url: String,
    pub(crate) scheme: EdgeScheme,
    pub(crate) host: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) area: Area,
    pub(crate) ready_at: Timestamp,
    pub(crate) outcome: RowOutcome,
    /// `Process` until the row is settled.
    pub(crate) status: RowStatus,
}

/// How a row will end, known from its birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    Succeeds,
    Fails,
    /// Says `done`, and changes nothing.
    DoneWithoutEffect,
    /// Says `done`, and changes nothing in this area.
    DoneWithoutEffectIn(Area),
    /// Says `done`, and changes nothing at this node.
    DoneWithoutEffectAt(usize),
    NeverEnds,
}

/// Where a row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowIndex {
    pub(crate) ready_at: Timestamp,
    task: usize,
    row: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Tasks {
    all: Vec<Task>,
    by_id: HashMap<String, usize>,
    by_created_at: BTreeSet<(Timestamp, usize)>,
    due: BinaryHeap<Reverse<RowIndex>>,
    fetching: Vec<RowIndex>,
}

impl Tasks {
    /// Keeps the task under a fresh id, and returns the id.
    pub(crate) fn add(&mut self, mut task: Task) -> String {
        let index = self.all.len();
        task.id = self.fresh_id(task.created_at);
        for (row, task_row) in task.rows.iter().enumerate().filter(|(_, row)| row.outcome != RowOutcome::NeverEnds) {
            self.due.push(Reverse(RowIndex { ready_at: task_row.ready_at, task: index, row }));
        }
        self.by_id.insert(task.id.clone(), index);
        self.by_created_at.insert((task.created_at, index));
        let id = task.id.clone();
        self.all.push(task);
        id
    }

    /// `<epoch second>-<8 of a-z0-9>`, one of the forms that the provider's samples show.
    fn fresh_id(&self, created_at: Timestamp) -> String {
        loop {
            let random = Uuid::new_v4().simple().to_string();
            let id = format!("{}-{}", created_at.as_secs(), &random[..8]);
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn all(&self) -> &[Task] {
        &self.all
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Task> {
        self.by_id.get(id).map(|index| &self.all[*index])
    }

    /// The tasks created in `from..=to` as the API tells it, oldest first.
    pub(crate) fn created_between(&self, from: Timestamp, to: Timestamp) -> impl DoubleEndedIterator<Item = &Task> {
        self.by_created_at.range((from, 0)..=(to, usize::MAX)).map(|(_, index)| &self.all[*index])
    }

    /// The row that is ready first, if it is ready at `now`.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<RowIndex> {
        self.due.peek().map(|Reverse(index)| *index).filter(|index| index.ready_at <= now)
    }

    /// Takes the first row off the due ones.
    pub(crate) fn take_due(&mut self) {
        self.due.pop();
    }

    /// Takes the first row off the due ones, to be settled when the origin has answered.
    pub(crate) fn begin_fetching(&mut self) {
        self.fetching.extend(self.due.pop().map(|Reverse(index)| index));
    }

    /// Makes rows that are being sent due again: their request broke off.
    pub(crate) fn requeue_fetching(&mut self) {
        self.due.extend(self.fetching.drain(..).map(Reverse));
    }

    pub(crate) fn clear_fetching(&mut self) {
        self.fetching.clear();
    }

    pub(crate) fn at(&self, index: RowIndex) -> (&Task, &TaskRow) {
        let task = &self.all[index.task];
        (task, &task.rows[index.row])
    }

    pub(crate) fn settle(&mut self, index: RowIndex, status: RowStatus) {
        self.all[index.task].rows[index.row].status = status;
    }
}

/// When a row made now will be ready: after `task_time` and up to a quarter of it more, the same for the same URL.
pub(crate) fn ready_at(url: &str, task_time: Duration, now: Timestamp) -> Timestamp {
    now + task_time + task_time.mul_f64(share(url, "spread") / 4.0)
}

/// A number in `0.0..1.0` that depends on nothing but the words.
pub(crate) fn share(url: &str, purpose: &str) -> f64 {
    let mut hasher = DefaultHasher::new();
    (purpose, url).hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_a_little_apart_and_always_alike() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let span = |url: &str| ready_at(url, Duration::from_secs(2), now).since(now);
        let spans: BTreeSet<Duration> = (0..100).map(|n| span(&format!("https://a.example.com/{n}"))).collect();
        assert!(spans.len() > 50);
        assert!(spans.iter().all(|span| (2_000..2_500).contains(&span.as_millis())));
        assert_eq!(span("https://a.example.com/"), span("https://a.example.com/"));
    }
}
