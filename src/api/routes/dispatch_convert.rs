//! Wording pools, lanes and plans as the contract has them.

use super::jobs::convert::{time, warning};
use super::wire::{
    DepthAnswer, LaneAnswer, LanePlanAnswer, LeavesAnswer, PauseAnswer, PlanAnswer, PlannedTarget, PoolAnswer,
    PoolCostAnswer, WhyAnswer,
};
use crate::domain::{Mode, Target};
use crate::service::{LaneDetails, LanePlan, Plan, PoolCost, PoolDetails, Why};

pub(crate) fn pool(PoolDetails { pool, undecided, runs_out_at }: &PoolDetails) -> PoolAnswer {
    PoolAnswer {
        account: pool.account.to_string(),
        pool: pool.name.to_string(),
        operation: pool.operation.to_string(),
        kind: pool.kind.to_string(),
        area: pool.area.to_string(),
        total: pool.total,
        available: pool.available,
        reserved: pool.reserved,
        used: pool.used,
        undecided: *undecided,
        batch: pool.batch,
        resets_at: time(pool.resets_at),
        exhausted_at: pool.exhausted_at.map(time),
        forecast: runs_out_at.map(time),
        read_at: time(pool.read_at),
    }
}

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

pub(crate) fn plan(plan: Plan) -> PlanAnswer {
    PlanAnswer {
        operation: plan.operation.to_string(),
        priority: plan.priority.to_string(),
        targets: plan.targets.iter().map(target).collect(),
        targets_total: u64::try_from(plan.targets_total).unwrap_or(u64::MAX),
        merged: plan.merged,
        lanes: plan.lanes.iter().map(lane_plan).collect(),
        warnings: plan.warnings.into_iter().map(warning).collect(),
        promoted: plan.promoted.iter().map(target).collect(),
        coalesced: plan.coalesced,
    }
}

fn target(target: &Target) -> PlannedTarget {
    PlannedTarget { target: target.to_string(), kind: target.kind().to_string() }
}

fn lane_plan(plan: &LanePlan) -> LanePlanAnswer {
    LanePlanAnswer {
        account: plan.lane.account.to_string(),
        operation: plan.lane.operation.to_string(),
        kind: plan.lane.kind.to_string(),
        area: plan.lane.area.to_string(),
        mode: mode(plan.lane.mode),
        targets: plan.targets,
        batches: plan.batches,
        pools: plan.pools.iter().map(cost).collect(),
        leaves: LeavesAnswer {
            now: plan.waiting.is_none(),
            waiting: plan.waiting.as_ref().map(why),
            ahead: plan.ahead,
            starts_at: plan.starts_at.map(time),
            done_sending_at: plan.done_sending_at.map(time),
        },
    }
}

fn cost(cost: &PoolCost) -> PoolCostAnswer {
    PoolCostAnswer {
        pool: cost.name.to_string(),
        cost: cost.cost,
        available: cost.available,
        reserved: cost.reserved,
        resets_at: time(cost.resets_at),
    }
}

fn why(why: &Why) -> WhyAnswer {
    WhyAnswer { reason: why.reason.to_string(), detail: why.detail.clone(), until: why.until.map(time) }
}

fn mode(mode: Option<Mode>) -> Option<String> {
    mode.map(|mode| mode.to_string())
}
