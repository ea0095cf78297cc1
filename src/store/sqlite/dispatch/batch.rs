//! Which of a lane's heads go together: most by priority and turn, and a tenth by age, so that nobody starves (law 8).

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::domain::Target;
use crate::store::Grant;

/// Of so many places of a batch one is for the oldest, whatever their priority.
pub(crate) const AGE_SHARE: u32 = 10;
pub(crate) const PRIORITIES: usize = 3;

/// A due item that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) item: i64,
    /// 0 is urgent.
    pub(crate) priority: i64,
    /// Its turn in the lane, among those of its priority.
    pub(crate) rank: i64,
    pub(crate) target: Target,
}

impl Candidate {
    pub(crate) const fn is_urgent(&self) -> bool {
        self.priority == 0
    }

    /// Its priority as a place in a list.
    pub(crate) fn class(&self) -> usize {
        usize::try_from(self.priority).unwrap_or_default().min(PRIORITIES - 1)
    }
}

/// What goes. Equal targets share one place; all of them are unsent (law 5).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) items: Vec<i64>,
    /// Of these, the items that took a place; the others share one.
    pub(crate) placed: Vec<i64>,
    pub(crate) targets: Vec<Target>,
    /// How far the lane got with them: of each priority, the last turn that won a place.
    pub(crate) turns: BTreeMap<i64, i64>,
    /// How many candidates found no place.
    pub(crate) left_over: usize,
}

impl Batch {
    /// From candidates in the order of priority and rank.
    pub(crate) fn of(heads: Vec<Candidate>, grant: &Grant) -> Self {
        let mut filling = BatchBuilder { grant, batch: Self::default(), seen: HashSet::new(), others: 0, bytes: 0 };
        let in_turn = grant.targets_max - grant.targets_max / AGE_SHARE;
        let mut queues: [VecDeque<Candidate>; PRIORITIES] = Default::default();
        for head in heads {
            if !filling.take(&head, in_turn) {
                queues[head.class()].push_back(head);
            }
        }
        // Each priority goes on in its own order, and among them the oldest goes first.
        let mut candidates = Vec::new();
        while let Some(queue) = queues.iter_mut().filter(|queue| !queue.is_empty()).min_by_key(|queue| queue[0].item) {
            candidates.extend(queue.pop_front().filter(|head| !filling.take(head, grant.targets_max)));
        }
        // An item that did not fit may still share the slot of an equal target added later.
        candidates.retain(|head| !(filling.seen.contains(&head.target) && filling.take(head, grant.targets_max)));
        filling.batch.left_over = candidates.len();
        filling.batch
    }
}

struct BatchBuilder<'a> {
    grant: &'a Grant,
    batch: Batch,
    seen: HashSet<Target>,
    /// Places of other than urgent items.
    others: u32,
    bytes: usize,
}

impl BatchBuilder<'_> {
    /// Whether the item goes: on a place of its own among `places`, or with an equal target.
    fn take(&mut self, head: &Candidate, places: u32) -> bool {
        if !self.seen.contains(&head.target) {
            let is_other = !head.is_urgent();
            let bytes = self.bytes + head.target.as_str().len();
            let is_full = self.batch.targets.len() >= places as usize || bytes > self.grant.bytes_max;
            if is_full || (is_other && self.others >= self.grant.non_urgent_max) {
                return false;
            }
            self.others += u32::from(is_other);
            self.bytes = bytes;
            self.seen.insert(head.target.clone());
            self.batch.targets.push(head.target.clone());
            self.batch.placed.push(head.item);
            let turn = self.batch.turns.entry(head.priority).or_insert(head.rank);
            *turn = head.rank.max(*turn);
        }
        self.batch.items.push(head.item);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{LaneId, TargetKind};
    use crate::store::{CallSequence, OnlineHosts};

    fn grant(targets_max: u32, others_max: u32) -> Grant {
        Grant {
            lane: LaneId(1),
            sequence: CallSequence::default(),
            targets_max,
            non_urgent_max: others_max,
            bytes_max: usize::MAX,
            online_hosts: OnlineHosts::default(),
            suspended_hosts: Vec::new(),
            shares: Vec::new(),
        }
    }

    fn head(item: i64, priority: i64, target: i64) -> Candidate {
        let target = Target::parse(TargetKind::Url, &format!("https://h.example/{target}")).expect("a URL");
        Candidate { item, priority, rank: item, target }
    }

    #[test]
    fn nine_of_ten_go_by_priority_and_one_by_age() {
        // Twenty urgent ones that came last, a normal one that came second and bulk that was there first.
        let urgent = (100..120).map(|item| head(item, 0, item));
        let heads: Vec<_> = urgent.chain([head(2, 1, 2)]).chain((3..30).map(|item| head(item, 2, item))).collect();
        let batch = Batch::of(heads, &grant(20, u32::MAX));
        let expected: Vec<i64> = (100..118).chain([2, 3]).collect();
        assert_eq!(batch.items, expected);
    }

    #[test]
    fn what_is_kept_for_urgent_work_is_not_given_to_the_oldest() {
        let heads = [head(9, 0, 9), head(1, 1, 1), head(2, 2, 2)];
        assert_eq!(Batch::of(heads.to_vec(), &grant(10, 1)).items, [9, 1]);
        assert_eq!(Batch::of(heads.to_vec(), &grant(10, 0)).items, [9]);
    }

    #[test]
    fn equal_targets_ride_whatever_their_priority() {
        let heads = vec![head(5, 0, 1), head(6, 1, 2), head(7, 2, 1)];
        let batch = Batch::of(heads, &grant(1, 0));
        assert_eq!((batch.items, batch.targets.len()), (vec![5, 7], 1));
    }

    proptest! {
        #[test]
        fn no_batch_is_above_its_grant_nor_short_of_it(
            kinds in proptest::collection::vec((0i64..3, 0i64..40), 1..60), targets_max in 1u32..30, others_max in 0u32..30,
        ) {
            let mut heads: Vec<_> =
                kinds.iter().zip(1..).map(|((priority, target), item)| head(item, *priority, *target)).collect();
            heads.sort_by_key(|head| head.priority);
            let batch = Batch::of(heads.clone(), &grant(targets_max, others_max));
            let taken = |head: &&Candidate| batch.items.contains(&head.item);
            let others: HashSet<_> = heads.iter().filter(taken).filter(|head| head.priority > 0).map(|head| &head.target).collect();
            let urgent: HashSet<_> = heads.iter().filter(|head| head.priority == 0).map(|head| &head.target).collect();
            prop_assert!(batch.targets.len() <= targets_max as usize);
            prop_assert!(others.difference(&urgent).count() <= others_max as usize);
            for candidate in heads.iter().filter(|head| !taken(head)) {
                prop_assert!(!batch.targets.contains(&candidate.target), "an equal target was left behind");
                let is_full = batch.targets.len() == targets_max as usize;
                prop_assert!(is_full || (candidate.priority > 0 && others_max <= batch.targets.len() as u32), "{candidate:?} could have gone");
            }
        }
    }
}
