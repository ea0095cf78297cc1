//! Lanes as the contract has them.

use super::wire::{DepthAnswer, LaneAnswer, PauseAnswer, WhyAnswer};
use crate::api::routes::jobs::convert::time;
use crate::domain::Mode;
use crate::service::{LaneDetails, Why};

pub(crate) fn lane(view: &LaneDetails) -> LaneAnswer {
    let record = &view.record;
    let [urgent, normal, bulk] = record.due;
    LaneAnswer {
        id: record.id.0.to_string(),
        account: record.lane.account.to_string(),
        operation: record.lane.operation.to_string(),
        kind: record.lane.kind.to_string(),
        area: record.lane.area.to_string(),
        mode: mode(record.lane.mode),
        state: view.state.to_string(),
        why: view.why.as_ref().map(why),
        paused: record.paused.as_ref().map(|pause| PauseAnswer {
            by: pause.by.clone(),
            at: time(pause.at),
            reason: pause.reason.clone(),
        }),
        depth: DepthAnswer { urgent, normal, bulk },
        delayed: record.delayed,
        blocked: record.blocked,
        oldest_s: record.oldest.map(|oldest| view.now.since(oldest).as_secs()),
        rate: view.calls_per_second,
        in_flight: record.in_flight,
        calls_apart: view.calls_apart,
    }
}

pub(crate) fn why(why: &Why) -> WhyAnswer {
    WhyAnswer { reason: why.reason.to_string(), detail: why.detail.clone(), until: why.until.map(time) }
}

pub(crate) fn mode(mode: Option<Mode>) -> Option<String> {
    mode.map(|mode| mode.to_string())
}
