//! What a cloud CDN offers and allows, as one value: written once by its provider, read by everyone who decides. A limit
//! that stands here stands nowhere else.

use std::time::Duration;

use super::calls::ApiAction;
use crate::domain::{ItemOperation, Lane, Mode, RateLimit, ServiceDay, TargetKind};

/// One provider's ways and limits, whatever the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// What can be submitted. A pair of operation and kind that is not here cannot be.
    pub offers: &'static [SupportedOperation],
    /// Calls per second of each action that has no figure of its own.
    pub pace: RateLimit,
    /// Actions that may be called at another pace.
    pub paces: &'static [(ApiAction, RateLimit)],
    /// When the day quotas are reset. Without day quotas no lane has a pool, and this says nothing.
    pub day: ServiceDay,
    /// Longest time from the moment a submission leaves until its answer came or is given up.
    pub call_max: Duration,
    pub status: StatusSource,
    pub lookup: TaskLookup,
    pub batch_refusal: BatchRefusal,
    /// The `User-Agent` that its nodes ask origins with, by which these let them in.
    pub origin_agent: &'static str,
    /// What the operator allows of all this.
    pub operator_limits: OperatorLimits,
}

/// Less than the provider allows, because an operator wants it so. None: as much as the provider allows. Nothing here lifts a
/// limit of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OperatorLimits {
    /// Calls per second of each action.
    pub rate: Option<u32>,
    /// Targets of one call.
    pub batch: Option<u32>,
}

/// One kind of submission: what one call of it may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportedOperation {
    pub operation: ItemOperation,
    pub kind: TargetKind,
    /// The effects that can be chosen; none if there is only one.
    pub modes: &'static [Mode],
    /// Most targets of one call. A quota answer may name less, which counts then.
    pub targets_max: u32,
    /// Most bytes of all targets of one call together.
    pub bytes_max: usize,
    /// How long after the provider said `done` a probe still meets the old state without anything being wrong.
    pub effect_after: Duration,
}

/// How the end of a task is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSource {
    /// The answer to the submission is the end.
    WithTheAnswer,
    /// Never told: a task counts as ended so long after it was accepted.
    Assumed(Duration),
    /// The task can be looked at, and says itself when it has ended as a whole.
    Task,
    /// The task can be looked at, and tells each target's end.
    Rows,
}

/// How to find out what became of a submission whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskLookup {
    /// The provider lists the tasks of a time window. Its times and ours may differ by `slack` unnoticed.
    ByWindow { slack: Duration },
    /// Not at all: the batch has to be sent again, which at worst refreshes twice.
    NotAtAll,
    /// Sending the same batch again under the same key is recognised, so that is the way to ask.
    BySameKey,
}

/// What one bad target does to the others of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchRefusal {
    /// The call is refused whole, and which target is to blame is not said.
    AllOrNothing,
    /// Bad targets are named, the others are done.
    EachForItself,
    /// A call carries targets of one host only; among them all or nothing.
    OneHost,
}

impl Capabilities {
    /// What is offered to the lane, if anything.
    #[must_use]
    pub fn operation(&self, lane: &Lane) -> Option<&SupportedOperation> {
        let fits = |offer: &&SupportedOperation| (offer.operation, offer.kind) == (lane.operation, lane.kind);
        self.offers.iter().find(fits).filter(|offer| lane.mode.is_none_or(|mode| offer.modes.contains(&mode)))
    }

    /// Most targets of one call of the lane. What is not offered goes alone, to be refused in the provider's words.
    #[must_use]
    pub fn batch_targets_max(&self, lane: &Lane) -> u32 {
        let offered = self.operation(lane).map_or(1, |offer| offer.targets_max);
        self.operator_limits.batch.map_or(offered, |allowed| allowed.min(offered))
    }

    /// Most bytes of all targets of one call of the lane.
    #[must_use]
    pub fn batch_bytes_max(&self, lane: &Lane) -> usize {
        self.operation(lane).map_or(usize::MAX, |offer| offer.bytes_max)
    }

    /// Calls per second of the action.
    #[must_use]
    pub fn rate_limit(&self, action: ApiAction) -> RateLimit {
        let pace = self.paces.iter().find(|(own, _)| *own == action).map_or(self.pace, |(_, pace)| *pace);
        self.operator_limits.rate.map_or(pace, |allowed| RateLimit(allowed.min(pace.0)))
    }

    /// The provider's largest figures, whatever the action and kind: an operator_limits above them could not be meant.
    #[must_use]
    pub fn highest_limits(&self) -> (RateLimit, u32) {
        let pace = self.paces.iter().map(|(_, pace)| pace.0).fold(self.pace.0, u32::max);
        (RateLimit(pace), self.offers.iter().map(|offer| offer.targets_max).max().unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountName, Area};

    /// A provider unlike ours: no directories to prefetch, no choice of effect, one slow action.
    const OTHER: Capabilities = Capabilities {
        offers: &[SupportedOperation {
            operation: ItemOperation::Purge,
            kind: TargetKind::Directory,
            modes: &[Mode::Delete],
            targets_max: 30,
            bytes_max: 45_000,
            effect_after: Duration::from_secs(5),
        }],
        pace: RateLimit(50),
        paces: &[(ApiAction("slow"), RateLimit(1))],
        day: ServiceDay::east_of_utc(0),
        call_max: Duration::from_secs(10),
        status: StatusSource::Assumed(Duration::from_secs(5)),
        lookup: TaskLookup::NotAtAll,
        batch_refusal: BatchRefusal::EachForItself,
        operator_limits: OperatorLimits { rate: None, batch: None },
        origin_agent: "other",
    };

    fn lane(operation: ItemOperation, mode: Option<Mode>) -> Lane {
        Lane { account: AccountName::new("main"), operation, kind: TargetKind::Directory, area: Area::Own, mode }
    }

    #[test]
    fn only_what_is_listed_is_offered() {
        assert_eq!(OTHER.batch_targets_max(&lane(ItemOperation::Purge, Some(Mode::Delete))), 30);
        assert_eq!(OTHER.batch_bytes_max(&lane(ItemOperation::Purge, None)), 45_000);
        for absent in [lane(ItemOperation::Purge, Some(Mode::Invalidate)), lane(ItemOperation::Prefetch, None)] {
            assert_eq!((OTHER.operation(&absent), OTHER.batch_targets_max(&absent)), (None, 1), "{absent}");
        }
    }

    #[test]
    fn an_action_has_its_own_pace_or_the_common_one() {
        assert_eq!(
            (OTHER.rate_limit(ApiAction("slow")), OTHER.rate_limit(ApiAction("other"))),
            (RateLimit(1), RateLimit(50))
        );
    }

    #[test]
    fn an_allowance_lowers_limits_and_lifts_none() {
        let allowing = |rate, batch| Capabilities { operator_limits: OperatorLimits { rate, batch }, ..OTHER };
        let purge = lane(ItemOperation::Purge, None);
        let limits = |own: &Capabilities| {
            (own.rate_limit(ApiAction("slow")), own.rate_limit(ApiAction("other")), own.batch_targets_max(&purge))
        };
        assert_eq!(limits(&allowing(Some(7), Some(10))), (RateLimit(1), RateLimit(7), 10));
        assert_eq!(limits(&allowing(Some(70), Some(100))), limits(&OTHER));
        assert_eq!(
            allowing(Some(7), Some(10)).highest_limits(),
            (RateLimit(50), 30),
            "the provider's own figures stay known"
        );
    }
}
