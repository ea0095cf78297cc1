//! How far a scan of a lane's heads goes, and whether it missed items that belong in this batch: a scan costs the more the
//! further it goes, and a second one as much again.

use super::batch::{AGE_SHARE, Batch, Candidate, PRIORITIES};
use super::eligibility::Eligibility;
use crate::store::Grant;

/// Where items may be deferred, a scan goes so much further than the batch has places: one in so many.
const MARGIN_SHARE: u32 = 8;

/// How many heads are scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanWindow {
    /// In the order of priority and turn.
    pub(crate) ahead: u32,
    /// Of each priority at least, for the oldest may be of any.
    pub(crate) each: u32,
}

impl ScanWindow {
    pub(crate) fn first(grant: &Grant, barriers: &Eligibility<'_>) -> Self {
        let places = grant.targets_max;
        let margin = if barriers.may_defer() { places / MARGIN_SHARE } else { 0 };
        Self { ahead: places.saturating_add(margin), each: places / AGE_SHARE + 1 }
    }

    /// Far enough for a batch of which every second head found its target in it already.
    pub(crate) const fn widened(self) -> Self {
        let ahead = self.ahead.saturating_mul(2);
        Self { ahead, each: ahead }
    }
}

/// What a scan read, by priority.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanCoverage {
    result: [usize; PRIORITIES],
    /// So many were asked for.
    limits: [usize; PRIORITIES],
}

impl ScanCoverage {
    pub(crate) fn of(heads: &[Candidate], window: ScanWindow) -> Self {
        let result = count_by_priority(heads);
        let rest = |before: usize| (window.ahead as usize).saturating_sub(before).max(window.each as usize);
        Self { result, limits: [window.ahead as usize, rest(result[0]), rest(result[0] + result[1])] }
    }

    /// Whether a second, wider scan could find items that belong in this batch of `places`: some priority hit its limit with
    /// every eligible item placed, and the batch is short or items were deferred; or urgent items were deferred and none is
    /// in the batch.
    pub(crate) fn needs_second_scan(&self, free: [usize; PRIORITIES], batch: &Batch, places: u32) -> bool {
        let room = (places as usize).saturating_sub(batch.targets.len());
        let has_room = room > (places / MARGIN_SHARE) as usize;
        let behind = (0..PRIORITIES).any(|class| {
            let (count, free) = (self.result[class], free[class]);
            count >= self.limits[class] && batch.left_over[class] == 0 && (has_room || free < count)
        });
        behind || (free[0] < self.result[0] && !batch.turns.contains_key(&0))
    }
}

/// Items of each priority.
pub(crate) fn count_by_priority(heads: &[Candidate]) -> [usize; PRIORITIES] {
    let mut counts = [0; PRIORITIES];
    for head in heads {
        counts[head.class()] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACH: ScanWindow = ScanWindow { ahead: 10, each: 2 };

    fn seen(counts: [usize; 3]) -> ScanCoverage {
        let rest = |before: usize| 10usize.saturating_sub(before).max(2);
        ScanCoverage { result: counts, limits: [10, rest(counts[0]), rest(counts[0] + counts[1])] }
    }

    fn batch(places: usize, counts: [usize; 3]) -> Batch {
        let target = crate::domain::Target::parse(crate::domain::TargetKind::Url, "https://h.example/").expect("a URL");
        Batch { targets: vec![target; places], left_over: counts, ..Batch::default() }
    }

    fn with_urgent(batch: Batch) -> Batch {
        Batch { turns: [(0, 1)].into(), ..batch }
    }

    #[test]
    fn a_full_batch_of_free_heads_misses_nobody() {
        assert!(!seen([10, 2, 2]).needs_second_scan([10, 2, 2], &batch(10, [0, 2, 2]), 10));
    }

    #[test]
    fn a_lane_that_was_seen_to_its_end_has_nobody_left() {
        assert!(!seen([3, 1, 0]).needs_second_scan([3, 1, 0], &batch(4, [0; 3]), 10));
        assert!(!seen([0, 4, 0]).needs_second_scan([0, 0, 0], &batch(0, [0; 3]), 10));
    }

    #[test]
    fn behind_urgent_heads_that_are_barred_there_may_be_others() {
        assert!(seen([10, 2, 2]).needs_second_scan([1, 2, 2], &with_urgent(batch(5, [0; 3])), 5));
        let full = with_urgent(batch(5, [1, 2, 2]));
        assert!(!seen([10, 2, 2]).needs_second_scan([6, 2, 2], &full, 5), "some who were seen did not find a place");
    }

    #[test]
    fn where_urgent_work_was_barred_others_may_have_some() {
        assert!(seen([1, 3, 0]).needs_second_scan([0, 3, 0], &batch(3, [0; 3]), 10));
        assert!(!seen([2, 3, 0]).needs_second_scan([1, 3, 0], &with_urgent(batch(4, [0; 3])), 10));
    }

    #[test]
    fn a_few_empty_places_are_not_worth_another_look() {
        let seen = ScanCoverage { result: [100, 0, 0], limits: [100, 11, 11] };
        assert!(!seen.needs_second_scan([100, 0, 0], &with_urgent(batch(88, [0; 3])), 100));
        assert!(seen.needs_second_scan([100, 0, 0], &with_urgent(batch(87, [0; 3])), 100));
    }

    #[test]
    fn equal_targets_make_room_for_those_behind() {
        assert!(seen([10, 2, 2]).needs_second_scan([10, 2, 2], &batch(7, [0; 3]), 10));
        assert_eq!(REACH.widened(), ScanWindow { ahead: 20, each: 20 });
    }
}
