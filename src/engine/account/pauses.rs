//! Pauses of an account's calls after the provider refused one: a wrong key pauses all calls, a missing permission pauses one
//! action. After each pause one call is tried.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Backoff, ErrorClass, Failure, Timestamp, WaitingReason};
use crate::engine::lane_status::Wait;
use crate::provider::ApiAction;

/// How long a paused account waits before the next try.
const PAUSE_BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), max: Duration::from_secs(120) };

#[derive(Debug, Default)]
pub(crate) struct Pauses(BTreeMap<PauseScope, Pause>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PauseScope {
    Account,
    Action(ApiAction),
}

#[derive(Debug, Clone)]
struct Pause {
    failure: Failure,
    times: u32,
    until: Timestamp,
}

impl Pauses {
    /// Why the action is paused at `now`, if it is, and whether one call at a time may be tried: a pause is over, but not cleared.
    pub(crate) fn before(&self, action: ApiAction, now: Timestamp) -> (Option<Wait>, bool) {
        let scopes = [PauseScope::Account, PauseScope::Action(action)];
        let pauses: Vec<_> = scopes.iter().filter_map(|scope| self.0.get(scope)).collect();
        let pause = pauses.iter().find(|pause| now < pause.until).map(|pause| pause.waiting());
        (pause, !pauses.is_empty())
    }

    /// Pauses all actions, or this one, for a time that doubles each time.
    pub(crate) fn add(&mut self, action: ApiAction, failure: &Failure, jitter: f64, now: Timestamp) {
        let scope = match failure.class {
            ErrorClass::Permission | ErrorClass::Internal => PauseScope::Action(action),
            _ => PauseScope::Account,
        };
        let times = match self.0.get(&scope) {
            // Calls that were open together fail together: that counts once.
            Some(pause) if now < pause.until => return,
            Some(pause) => pause.times.saturating_add(1),
            None => 1,
        };
        let until = now + PAUSE_BACKOFF.wait(times, jitter);
        self.0.insert(scope, Pause { failure: failure.clone(), times, until });
    }

    /// A call of this action was accepted.
    pub(crate) fn end(&mut self, action: ApiAction) {
        self.0.remove(&PauseScope::Account);
        self.0.remove(&PauseScope::Action(action));
    }

    /// A reading call of this action was answered. Of other calls that says nothing.
    pub(crate) fn end_action(&mut self, action: ApiAction) {
        self.0.remove(&PauseScope::Action(action));
    }

    /// Why all calls are paused, if they are; a pause that is over counts until a call succeeds.
    pub(crate) fn account(&self) -> Option<Failure> {
        self.0.get(&PauseScope::Account).map(|pause| pause.failure.clone())
    }

    /// Why single actions are paused, by the action's name.
    pub(crate) fn actions(&self) -> Vec<(String, Failure)> {
        let actions = self.0.iter().filter_map(|(scope, pause)| match scope {
            PauseScope::Account => None,
            PauseScope::Action(action) => Some((action.0.to_owned(), pause.failure.clone())),
        });
        actions.collect()
    }
}

impl Pause {
    fn waiting(&self) -> Wait {
        let reason = match self.failure.class {
            ErrorClass::Outage | ErrorClass::Lost => WaitingReason::Outage,
            _ => WaitingReason::AccountPaused,
        };
        Wait { reason, detail: self.failure.summary_with_advice(), until: Some(self.until) }
    }
}
