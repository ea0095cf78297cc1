//! Which isolation group of a lane sends next. Items of a refused batch and items with unproved hosts do not go with others.

use sqlx::SqliteConnection;

use super::batch::PRIORITIES;
use crate::domain::LaneId;
use crate::store::{CallSequence, StoreError};

/// Items that share no batch with items of other groups. 0 is the normal group; the two numbers from `submission * 2` are
/// parts of a refused batch.
pub(crate) const NORMAL: i64 = 0;
/// Items whose hosts are not proved, behind all groups of refused batches.
pub(crate) const UNPROVED: i64 = 1 << 52;
/// One call of so many is for isolated items of whatever priority, so that isolated bulk work is not behind all new work.
const ISOLATED_SHARE: u64 = 10;

/// The groups that have due items of one priority.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
struct Front {
    /// The first group of a refused batch.
    refused: Option<i64>,
    unproved: bool,
    normal: bool,
}

/// The groups of a lane with due items, by priority.
pub(crate) struct Fronts([Front; PRIORITIES]);

impl Fronts {
    pub(crate) async fn load(lane: LaneId, db: &mut SqliteConnection) -> Result<Self, StoreError> {
        let rows: Vec<Front> =
            sqlx::query_as(sql!("isolation_fronts.sql")).bind(lane.0).bind(UNPROVED).fetch_all(db).await?;
        let mut fronts = [Front::default(); PRIORITIES];
        fronts.iter_mut().zip(rows).for_each(|(front, row)| *front = row);
        Ok(Self(fronts))
    }

    /// The group whose items go with the lane's next call, if any item is due. Of equal priority, parts of a refused batch go
    /// first, for they have waited a call longer; unproved hosts and normal items take turns, for anybody can think up hosts.
    pub(crate) fn next(&self, call: CallSequence) -> Option<i64> {
        let isolated = |front: &Front| front.refused.or(front.unproved.then_some(UNPROVED));
        let of_front = |front: &Front| match (front.refused, front.unproved, front.normal) {
            (Some(group), ..) => Some(group),
            (None, true, true) => Some(if call.0 % 2 == 1 { UNPROVED } else { NORMAL }),
            (None, true, false) => Some(UNPROVED),
            (None, false, true) => Some(NORMAL),
            (None, false, false) => None,
        };
        let is_isolated_turn = call.0 % ISOLATED_SHARE == ISOLATED_SHARE - 1;
        let in_turn = if is_isolated_turn { self.0.iter().filter_map(isolated).min() } else { None };
        of_front(&self.0[0]).or(in_turn).or_else(|| self.0.iter().find_map(of_front))
    }

    /// Whether urgent items of the normal or the unproved group wait, other than of this one.
    pub(crate) fn has_other_urgent(&self, group: i64) -> bool {
        let urgent = self.0[0];
        (urgent.normal && group != NORMAL) || (urgent.unproved && group != UNPROVED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Front = Front { refused: None, unproved: false, normal: false };
    const BOTH: Front = Front { refused: None, unproved: true, normal: true };

    fn next(fronts: [Front; PRIORITIES], call: u64) -> Option<i64> {
        Fronts(fronts).next(CallSequence(call))
    }

    #[test]
    fn priority_comes_first_then_refused_batches_then_turns() {
        let refused = Front { refused: Some(14), ..BOTH };
        assert_eq!(next([NONE; 3], 0), None);
        assert_eq!([0, 1, 2].map(|call| next([NONE, refused, BOTH], call)), [Some(14); 3]);
        assert_eq!(
            [0, 1, 2, 3].map(|call| next([NONE, BOTH, refused], call)).map(Option::unwrap),
            [NORMAL, UNPROVED, NORMAL, UNPROVED]
        );
        assert_eq!(next([NONE, NONE, Front { unproved: true, ..NONE }], 2), Some(UNPROVED), "a turn is not wasted");
    }

    #[test]
    fn one_call_of_ten_is_for_isolated_items_unless_urgent_ones_are_due() {
        let normal = Front { normal: true, ..NONE };
        let isolated_bulk = Front { refused: Some(14), ..NONE };
        let groups: Vec<_> = (0..20).filter_map(|call| next([NONE, normal, isolated_bulk], call)).collect();
        assert_eq!(groups.iter().filter(|group| **group == 14).count(), 2);
        assert!((0..20).all(|call| next([normal, normal, isolated_bulk], call) == Some(NORMAL)));
    }

    #[test]
    fn urgent_items_of_other_groups_are_known() {
        let urgent = |front| Fronts([front, BOTH, BOTH]);
        assert!(urgent(BOTH).has_other_urgent(NORMAL) && urgent(BOTH).has_other_urgent(14));
        assert!(!urgent(Front { normal: true, ..NONE }).has_other_urgent(NORMAL));
        assert!(!urgent(NONE).has_other_urgent(14));
    }
}
