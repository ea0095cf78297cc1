//! Planning: what would become of a job if it were posted now. Nothing is sent or kept.

pub(super) mod overlap;

use super::accept::parts;
use super::parse_job;
use super::parse_job::JobInput;
use super::{Caller, Service, ServiceError, authorization};
use crate::domain::{
    DailyBudget, Lane, Operation, PoolName, Priority, SendRate, Target, Timestamp, WaitingReason, Warning,
    estimated_send_time,
};
use crate::engine::{LaneLimits, Wait, lane_paused};
use crate::offload::offload_if_large;
use crate::store::{JobPart, LaneRecord, PartState};

/// Targets that an answer lists; more are only counted.
const LISTED_MAX: usize = 1_000;

/// What would become of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub operation: Operation,
    pub priority: Priority,
    /// Distinct targets in their normal form, the first of them.
    pub targets: Vec<Target>,
    pub targets_total: usize,
    pub merged: u32,
    pub lanes: Vec<LanePlan>,
    /// Directories that would be purged in the place of URLs below them.
    pub promoted: Vec<Target>,
    /// Targets that would need no place of their own. None: too many to look for.
    pub coalesced: Option<u64>,
    pub warnings: Vec<Warning>,
}

/// The part of the job that one lane would send.
#[derive(Debug, Clone, PartialEq)]
pub struct LanePlan {
    pub lane: Lane,
    pub targets: u64,
    pub batches: u64,
    pub pools: Vec<PoolCost>,
    /// What the first of them would wait for; none: it leaves now.
    pub waiting: Option<Wait>,
    /// Items that may leave before: an upper bound.
    pub ahead: u64,
    /// Guesses; none where nobody can know.
    pub starts_at: Option<Timestamp>,
    pub done_sending_at: Option<Timestamp>,
}

/// What a lane's targets would take from a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolCost {
    pub name: PoolName,
    pub cost: u64,
    pub available: u64,
    pub reserved: u64,
    pub resets_at: Timestamp,
}

impl Service {
    /// Says what would become of a job, or refuses it in the words in which posting it would be refused.
    ///
    /// # Errors
    /// Every fault of the body; a scope that is missing; a store that cannot be read.
    pub async fn plan(&self, caller: &Caller, input: &JobInput) -> Result<Plan, ServiceError> {
        let now = self.clock.now();
        let (request, parts, warnings) = offload_if_large(input.is_large(), || {
            let request = parse_job::understand(input, &self.routes, now).map_err(ServiceError::Invalid)?;
            authorization::allow(caller, &request, input)?;
            let (parts, _) = parts(&request, &self.areas(request.area, now), now);
            let warnings = self.warnings(input, &request);
            Ok::<_, ServiceError>((request, parts, warnings))
        })
        .await?;
        let records = self.store.lanes().await?;
        let overlap = self.overlap(&parts, now).await?;
        let lanes = parts.iter().zip(&overlap.remaining).map(|(part, alone)| {
            let record = records.iter().find(|record| record.lane == part.lane);
            let situation = PlanContext {
                ahead: record.map_or(0, |record| ahead(record, request.priority)),
                paused: record.and_then(|record| record.paused.as_ref()).map(lane_paused),
                outlook: self.engine_status.lane(&part.lane, now),
                priority: request.priority,
            };
            let targets = u64::try_from(part.targets.len()).unwrap_or(u64::MAX);
            LanePlan { targets, ..planned(alone, &situation, now) }
        });
        let lanes = lanes.collect();
        let targets_total = request.urls.len() + request.directories.len();
        let targets = request.urls.into_iter().chain(request.directories).take(LISTED_MAX).collect();
        let (operation, priority) = (request.operation, request.priority);
        Ok(Plan {
            operation,
            priority,
            targets,
            targets_total,
            merged: request.merged,
            lanes,
            promoted: overlap.promoted,
            coalesced: overlap.coalesced,
            warnings,
        })
    }
}

fn ahead(record: &LaneRecord, priority: Priority) -> u64 {
    record.due.iter().zip(Priority::ALL).filter(|(_, ahead)| **ahead <= priority).map(|(due, _)| due).sum()
}

/// What a part would meet.
struct PlanContext {
    ahead: u64,
    paused: Option<Wait>,
    /// None: its account is not configured any more.
    outlook: Option<LaneLimits>,
    priority: Priority,
}

fn planned(part: &JobPart, situation: &PlanContext, now: Timestamp) -> LanePlan {
    let targets = u64::try_from(part.targets.len()).unwrap_or(u64::MAX);
    let outlook = situation.outlook.as_ref();
    let limits = outlook.map_or((1, usize::MAX), |outlook| (outlook.targets_max, outlook.bytes_max));
    let pools = outlook.map_or(&[][..], |outlook| &outlook.pools);
    let pools = pools.iter().map(|pool| PoolCost {
        name: pool.name.clone(),
        cost: targets,
        available: pool.available,
        reserved: pool.reserved,
        resets_at: pool.resets_at,
    });
    let mut plan = LanePlan {
        lane: part.lane.clone(),
        targets,
        batches: batches(part.targets.iter().map(|target| target.as_str().len()), limits.0, limits.1),
        pools: pools.collect(),
        waiting: None,
        ahead: situation.ahead,
        starts_at: None,
        done_sending_at: None,
    };
    schedule(&mut plan, part.state, situation, now);
    plan
}

/// When the lane's targets leave, and what the first of them waits for.
fn schedule(plan: &mut LanePlan, state: PartState, situation: &PlanContext, now: Timestamp) {
    let Some(outlook) = &situation.outlook else {
        let detail = format!("account {} is not in the configuration", plan.lane.account);
        plan.waiting = Some(Wait { reason: WaitingReason::AccountPaused, detail, until: None });
        return;
    };
    let not_before = match state {
        PartState::Due => None,
        PartState::Delayed(until) => Some(until),
        PartState::Blocked => {
            plan.waiting = Some(super::read_jobs::purge_first());
            return;
        }
    };
    if let Some(hindrance) = situation.paused.as_ref().or(outlook.waiting.as_ref().filter(|w| is_open_ended(w))) {
        plan.waiting = Some(hindrance.clone());
        return;
    }
    if outlook.quota_is_unknown {
        plan.waiting.clone_from(&outlook.waiting);
        return;
    }
    let quota = share(outlook, situation.priority);
    let from = match (&outlook.waiting, not_before) {
        (_, Some(moment)) => moment,
        // Tokens come back within moments, and a spent quota is reckoned with by itself.
        (Some(waiting), None) if waiting.reason != WaitingReason::DayQuota => waiting.until.unwrap_or(now),
        _ => now,
    };
    let course =
        SendRate { batch: outlook.targets_max, calls_per_second: outlook.calls_per_second, from: now.max(from), quota };
    // By a later start, what is ahead now has left.
    let first = if not_before.is_some() { 0 } else { situation.ahead };
    plan.starts_at = estimated_send_time(first, course);
    plan.done_sending_at = estimated_send_time(first.saturating_add(plan.targets.saturating_sub(1)), course);
    plan.waiting = match (not_before, plan.starts_at, quota) {
        (Some(until), _, _) => Some(not_before_then(until)),
        (None, Some(at), Some(share)) if at >= share.reset => Some(quota_first(plan, share.reset)),
        (None, None, Some(share)) => Some(quota_first(plan, share.reset)),
        (None, at, _) if at.is_none_or(|at| at > now) => {
            Some(outlook.waiting.clone().unwrap_or_else(|| others_first(plan.ahead, at)))
        }
        _ => None,
    };
}

/// Whether nobody can say when it ends.
const fn is_open_ended(waiting: &Wait) -> bool {
    matches!(waiting.reason, WaitingReason::AccountPaused | WaitingReason::LanePaused | WaitingReason::Outage)
}

/// What the lane may take from the tightest of its pools: the reserve is not for all.
fn share(outlook: &LaneLimits, priority: Priority) -> Option<DailyBudget> {
    let not_for_this_priority = |reserved: u64| if priority == Priority::Urgent { 0 } else { reserved };
    let shares = outlook.pools.iter().map(|pool| DailyBudget {
        remaining: pool.available.saturating_sub(not_for_this_priority(pool.reserved)),
        daily: pool.total.saturating_sub(not_for_this_priority(pool.reserved)),
        reset: pool.resets_at,
    });
    shares.reduce(|one, other| DailyBudget {
        remaining: one.remaining.min(other.remaining),
        daily: one.daily.min(other.daily),
        reset: one.reset.min(other.reset),
    })
}

fn not_before_then(until: Timestamp) -> Wait {
    let detail = "the job asks not to be sent before this moment".to_owned();
    Wait { reason: WaitingReason::NotBefore, detail, until: Some(until) }
}

fn quota_first(plan: &LanePlan, reset: Timestamp) -> Wait {
    let pool = plan.pools.iter().min_by_key(|pool| pool.available.saturating_sub(pool.reserved));
    let text = pool.map_or_else(String::new, |pool| {
        format!(
            "the day quota {} has {} left, {} of them for urgent work alone",
            pool.name, pool.available, pool.reserved
        )
    });
    let detail = format!("{text}; {} items leave before", plan.ahead);
    Wait { reason: WaitingReason::DayQuota, detail, until: Some(reset) }
}

fn others_first(ahead: u64, until: Option<Timestamp>) -> Wait {
    let detail = format!("{ahead} items leave before, as fast as the provider's call rate allows");
    Wait { reason: WaitingReason::Rate, detail, until }
}

/// Calls that it takes to send targets of these lengths, in their order.
fn batches(lengths: impl Iterator<Item = usize>, targets_max: u32, bytes_max: usize) -> u64 {
    let (mut batches, mut targets, mut bytes) = (0, 0, 0);
    for length in lengths {
        if batches == 0 || targets == targets_max || length > bytes_max.saturating_sub(bytes) {
            batches += 1;
            (targets, bytes) = (0, 0);
        }
        targets += 1;
        bytes = bytes.saturating_add(length);
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{AccountName, Area, ItemOperation, TargetKind};
    use crate::engine::PoolStatus;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn later(hours: u64) -> Timestamp {
        NOW + Duration::from_secs(3600 * hours)
    }

    fn part(targets: usize, state: PartState) -> JobPart {
        let (account, area) = (AccountName::new("main"), Area::Own);
        let lane = Lane { account, operation: ItemOperation::Purge, kind: TargetKind::Url, area, mode: None };
        let url = |n| Target::parse(TargetKind::Url, &format!("https://h.example/{n}")).expect("a URL");
        JobPart { lane, state, targets: (0..targets).map(url).collect() }
    }

    fn pool(name: &str, available: u64) -> PoolStatus {
        PoolStatus {
            account: AccountName::new("main"),
            name: PoolName(name.to_owned()),
            operation: ItemOperation::Purge,
            kind: TargetKind::Url,
            area: Area::Mainland,
            total: 10_000,
            available,
            reserved: 500,
            used: 10_000 - available,
            batch: 1000,
            resets_at: later(6),
            exhausted_at: None,
            read_at: NOW,
        }
    }

    fn situation(available: u64, ahead: u64) -> PlanContext {
        let outlook = LaneLimits {
            waiting: None,
            targets_max: 1000,
            bytes_max: usize::MAX,
            calls_per_second: 20,
            pools: vec![pool("wide", 10_000), pool("tight", available)],
            quota_is_unknown: false,
        };
        PlanContext { ahead, paused: None, outlook: Some(outlook), priority: Priority::Normal }
    }

    fn waits(reason: WaitingReason, until: Option<Timestamp>) -> Wait {
        Wait { reason, detail: String::new(), until }
    }

    #[test]
    fn what_is_ahead_and_what_is_left_tell_when_a_lane_leaves() {
        let urgent = |situation| PlanContext { priority: Priority::Urgent, ..situation };
        let (now, reset, two_days_on) = (Some(NOW), Some(later(6)), Some(later(54)));
        for (case, targets, situation, starts, done) in [
            ("nothing in the way", 5, situation(10_000, 0), now, now),
            ("more than a day's quota", 12_000, situation(10_000, 0), now, reset),
            ("only the reserve is left", 5, situation(500, 0), reset, reset),
            ("and the job is urgent", 5, urgent(situation(500, 0)), now, now),
            ("others take what is left", 5, situation(600, 100), reset, reset),
            ("others go with the same calls", 5, urgent(situation(10_000, 9_000)), now, now),
            ("days of others' work", 5, situation(0, 19_000), two_days_on, two_days_on),
        ] {
            let plan = planned(&part(targets, PartState::Due), &situation, NOW);
            assert_eq!((plan.starts_at, plan.done_sending_at), (starts, done), "{case}");
            let reason = (starts != now).then_some(WaitingReason::DayQuota);
            assert_eq!(plan.waiting.map(|waiting| waiting.reason), reason, "{case}");
        }
    }

    #[test]
    fn a_plan_says_after_what_a_lane_leaves_and_guesses_only_what_can_be_known() {
        use WaitingReason::{AccountPaused, DayQuota, LanePaused, NotBefore, PurgeFirst, Rate, Throttled};
        let (due, soon, hour) = (PartState::Due, Some(NOW + Duration::from_secs(1)), Some(later(1)));
        let overlap = |reason, until| {
            let mut situation = situation(10_000, 0);
            situation.outlook.as_mut().expect("an outlook").waiting = Some(waits(reason, until));
            situation
        };
        let mut unread = overlap(DayQuota, soon);
        unread.outlook.as_mut().expect("an outlook").quota_is_unknown = true;
        let paused = PlanContext { paused: Some(waits(LanePaused, None)), ..situation(10_000, 0) };
        let nobody = PlanContext { outlook: None, ..situation(0, 0) };
        for (case, state, situation, reason, moment) in [
            ("the rate is used up", due, overlap(Rate, soon), Rate, soon),
            ("throttled", due, overlap(Throttled, soon), Throttled, soon),
            ("nothing known of the quota", due, unread, DayQuota, None),
            ("a wrong key", due, overlap(AccountPaused, soon), AccountPaused, None),
            ("held back by a person", due, paused, LanePaused, None),
            ("behind its purge", PartState::Blocked, situation(10_000, 0), PurgeFirst, None),
            ("not before", PartState::Delayed(later(1)), situation(10_000, 50), NotBefore, hour),
            ("no such account", due, nobody, AccountPaused, None),
        ] {
            let plan = planned(&part(5, state), &situation, NOW);
            assert_eq!(plan.waiting.map(|waiting| waiting.reason), Some(reason), "{case}");
            assert_eq!((plan.starts_at, plan.done_sending_at), (moment, moment), "{case}");
        }
    }

    #[test]
    fn a_lane_costs_each_of_its_pools_every_target_once() {
        let plan = planned(&part(2_500, PartState::Due), &situation(700, 3), NOW);
        assert_eq!((plan.targets, plan.batches, plan.ahead), (2_500, 3, 3));
        let pools: Vec<_> = plan.pools.iter().map(|pool| (pool.name.0.as_str(), pool.cost, pool.available)).collect();
        assert_eq!(pools, [("wide", 2_500, 10_000), ("tight", 2_500, 700)]);
    }

    #[test]
    fn batches_hold_so_many_targets_and_bytes() {
        for (lengths, targets_max, bytes_max, expected) in [
            (vec![], 3, 100, 0),
            (vec![10; 3], 3, 100, 1),
            (vec![10; 4], 3, 100, 2),
            (vec![40; 4], 3, 100, 2),
            (vec![60; 3], 3, 100, 3),
            (vec![200], 3, 100, 1),
            (vec![200, 200], 3, 100, 2),
        ] {
            assert_eq!(batches(lengths.iter().copied(), targets_max, bytes_max), expected, "{lengths:?}");
        }
    }
}
