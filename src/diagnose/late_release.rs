//! When the edge made its copy, and when the origin had the release: which of the two was late.

use std::time::Duration;

use super::evidence::{Evidence, Freshness, answer};
use super::format::http_date;
use crate::domain::{Mode, Timestamp, Verification};
use crate::probe::ProbeResult;

/// A page whose date is that near to its answer was made for it.
const MADE_ANEW: Duration = Duration::from_secs(2);

/// How it shows that the origin had the release only after the refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateOrigin {
    /// The edge fetched its copy so long after the refresh had ended.
    CopiedAfter(Duration),
    /// After the refresh the edge served what the origin served, and the origin's content is another now.
    ChangedSinceSeenFresh,
}

impl Evidence {
    /// The dates of two versions that the origin gave for the same request, if it did. A page made anew for each request has the
    /// date of its answer, and is no version.
    #[must_use]
    pub fn versions_of_origin(&self) -> Option<(Timestamp, Timestamp)> {
        let again = self.origin_again.as_ref()?;
        let first = self.origin_asked_again()?;
        let date = |result: &ProbeResult| http_date(&answer(result)?.header("last-modified")?);
        let (one, other) = (date(first)?, date(again)?);
        let is_made_anew = |date: Timestamp, result: &ProbeResult| result.at.since(date) < MADE_ANEW;
        let are_versions = one != other && !(is_made_anew(one, first) && is_made_anew(other, again));
        are_versions.then(|| (one.min(other), one.max(other)))
    }

    /// What shows that the refresh did its work and the origin gave old content after it, if something does. An invalidating
    /// purge lets a node keep its copy and count its age anew.
    #[must_use]
    pub fn origin_was_late(&self) -> Option<LateOrigin> {
        let request = self.request().filter(|request| self.succeeded() && request.mode != Some(Mode::Invalidate))?;
        if !matches!(self.freshness_of_first(), Freshness::Old(_)) {
            return None;
        }
        let finished = request.finished_at?;
        // A copy that is older than the refresh was not seen then: another node was.
        let is_older = self.copied_at().is_some_and(|copied| copied < finished);
        if request.verification == Verification::Fresh && request.named == self.case.target && !is_older {
            return Some(LateOrigin::ChangedSinceSeenFresh);
        }
        let copied = self.copied_at()?;
        // An age counts whole seconds: the copy may be almost a second older.
        let is_younger = match self.edge_at_full_second.as_ref().and_then(copied_at) {
            // Either about the moment of the refresh or a second later: the age had not turned yet.
            Some(copied) => copied > finished + Duration::from_millis(500),
            None => copied > finished + Duration::from_secs(1),
        };
        is_younger.then(|| LateOrigin::CopiedAfter(copied.since(finished)))
    }

    /// The next moment that lies whole seconds after the refresh, if the edge's age leaves open which of them came first.
    #[must_use]
    pub fn full_second_to_probe_at(&self) -> Option<Timestamp> {
        let request = self.request().filter(|_| self.succeeded())?;
        let (copied, finished) = (self.copied_at()?, request.finished_at?);
        let is_open = copied > finished && copied <= finished + Duration::from_secs(1);
        let seconds = Duration::from_secs(self.at.since(finished).as_secs() + 1);
        (is_open && matches!(self.freshness_of_first(), Freshness::Old(_))).then(|| finished + seconds)
    }

    /// When the edge made the copy that it serves.
    #[must_use]
    pub fn copied_at(&self) -> Option<Timestamp> {
        copied_at(self.edge.as_ref().ok()?)
    }
}

fn copied_at(edge: &ProbeResult) -> Option<Timestamp> {
    let age: u64 = answer(edge)?.header("age")?.trim().parse().ok()?;
    Some(edge.at - Duration::from_secs(age))
}
