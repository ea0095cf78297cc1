//! Plans as the contract has them.

use super::wire::{LanePlanAnswer, LeavesAnswer, PlanAnswer, PlannedTarget, PoolCostAnswer};
use crate::api::routes::jobs::convert::{time, warning};
use crate::api::routes::lanes::convert::{mode, why};
use crate::domain::Target;
use crate::service::{LanePlan, Plan, PoolCost};

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
