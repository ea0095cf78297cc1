//! What becomes of a due item that may not go with the next call.

use super::batch::Candidate;
use crate::domain::Timestamp;
use crate::store::sqlite::codec::columns;

#[derive(Debug)]
pub(crate) struct Deferral {
    item: i64,
    pub(crate) is_urgent: bool,
    /// When it is due again; none: it is due now, in its new group.
    until: Option<Timestamp>,
    /// Its new isolation group, if it changes.
    group: Option<i64>,
    /// The refusal that it waits for, if there was one (a row of `failures`); else the item keeps the last one it had.
    failure: Option<i64>,
    /// Why it waits, if nothing has failed (a row of `waits`).
    wait: Option<i64>,
}

impl Deferral {
    /// Waits until `until` for the reason `wait`.
    pub(crate) const fn wait(candidate: &Candidate, until: Timestamp, wait: i64) -> Self {
        let (item, is_urgent) = (candidate.item, candidate.is_urgent());
        Self { item, is_urgent, until: Some(until), group: None, failure: None, wait: Some(wait) }
    }

    /// Waits in `group` because its host was refused with `failure`.
    pub(crate) const fn park(candidate: &Candidate, until: Timestamp, group: i64, failure: i64) -> Self {
        let (item, is_urgent) = (candidate.item, candidate.is_urgent());
        Self { item, is_urgent, until: Some(until), group: Some(group), failure: Some(failure), wait: None }
    }

    /// Stays due, in another isolation group.
    pub(crate) const fn isolate(candidate: &Candidate, group: i64) -> Self {
        let (item, is_urgent) = (candidate.item, candidate.is_urgent());
        Self { item, is_urgent, until: None, group: Some(group), failure: None, wait: None }
    }

    /// `[item, becomes, group, due_at, failure, wait]`, as `defer_items.sql` takes it.
    pub(crate) fn row(&self) -> (i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>) {
        let becomes = if self.until.is_some() { columns::DELAYED } else { columns::DUE };
        (self.item, becomes, self.group, self.until.map(Timestamp::as_millis), self.failure, self.wait)
    }
}
