//! What holds an account's calls back because the provider refused one: a wrong key stops everything, a missing permission
//! stops one action. Probed gently until something works again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Backoff, ErrorClass, Failure, Timestamp, WaitingReason};
use crate::engine::lane_status::Wait;
use crate::provider::ApiAction;

/// How gently a paused account is probed.
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
    /// What holds the action back at `now`, and whether anything does that may be over.
    pub(crate) fn before(&self, action: ApiAction, now: Timestamp) -> (Option<Wait>, bool) {
        let scopes = [PauseScope::Account, PauseScope::Action(action)];
        let pauses: Vec<_> = scopes.iter().filter_map(|scope| self.0.get(scope)).collect();
        let pause = pauses.iter().find(|pause| now < pause.until).map(|pause| pause.waiting());
        (pause, !pauses.is_empty())
    }

    /// Holds everything, or one action, back for a while that doubles each time.
    pub(crate) fn add(&mut self, action: ApiAction, failure: &Failure, jitter: f64, now: Timestamp) {
        let scope = match failure.class {
            ErrorClass::Permission | ErrorClass::Internal => PauseScope::Action(action),
            _ => PauseScope::Account,
        };
        let times = match self.0.get(&scope) {
            // Calls that left together fail together: that is one reason to wait, not sixteen.
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

    /// What stops all calls, if something does; a pause that is over counts until a call has worked.
    pub(crate) fn account(&self) -> Option<Failure> {
        self.0.get(&PauseScope::Account).map(|pause| pause.failure.clone())
    }

    /// What stops one action, by its name.
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
