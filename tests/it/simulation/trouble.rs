//! What the clouds do wrong in a history, and what that excuses.

use std::time::Duration;

use refreshd::sandbox::{
    Area, Cloud, DomainStatus, Fault, FaultRule, MixedBatchRule, PoolChange, RateRule, RateScope, Switches, TaskKind,
};

use super::dice::Dice;
use super::rows::{ItemRow, JobRow, LaneRow};
use super::world::{ABSENT, LOCKED, STRANGER};

/// What may go wrong in a history. Each weakens what can be checked, so most histories have few of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Temper {
    pub(super) rows_fail: bool,
    pub(super) rows_never_end: bool,
    pub(super) targets_refused: bool,
    /// Others spend from the same pools, or the provider changes them.
    pub(super) outside_spending: bool,
    /// Tasks are listed only after nobody looks for them any more.
    pub(super) lists_lie: bool,
    pub(super) tight_pools: bool,
}

impl Temper {
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        Self {
            rows_fail: dice.percent(30),
            rows_never_end: dice.percent(15),
            targets_refused: dice.percent(20),
            outside_spending: dice.percent(20),
            lists_lie: dice.percent(10),
            tight_pools: dice.percent(40),
        }
    }
}

/// What has gone wrong so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Excuses {
    pub(super) rows_failed: bool,
    pub(super) rows_never_ended: bool,
    pub(super) targets_refused: bool,
    pub(super) outside_spending: bool,
    pub(super) batches_shrank: bool,
    pub(super) lists_lied: bool,
}

impl Excuses {
    /// Whether anything that happened lets this item fail.
    pub(super) fn explain(&self, item: &ItemRow, lane: &LaneRow, job: &JobRow) -> bool {
        let Some(failure) = &item.failure else { return false };
        let on = |host: &str| item.target.contains(&format!("//{host}/"));
        let is_bad = on(STRANGER) || on(LOCKED);
        match failure.class.as_str() {
            "bad_target" | "domain_state" | "permission" => {
                is_bad || self.targets_refused || (lane.operation == "prefetch" && item.target.contains(ABSENT))
            }
            // A row that failed, tried again until its attempts were spent or nobody wanted it any more.
            "outage" => (self.rows_failed || is_bad) && (item.attempts == 3 || job.marked),
            "provider_timeout" => self.rows_never_ended || self.lists_lied,
            "purge_failed" => true,
            _ => false,
        }
    }
}

/// How the cloud is where its documents are silent.
pub(super) fn manners(temper: Temper, dice: &mut Dice) -> Switches {
    Switches {
        call_rate: if dice.percent(50) { RateRule::Window } else { RateRule::Bucket },
        call_rate_scope: if dice.percent(20) { RateScope::SecretId } else { RateScope::Account },
        list_newest_first: dice.percent(50),
        list_limit_max: *dice.one(&[100, 1_000]),
        listing_delay: *dice.one(&[Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10)]),
        rows_per_area: dice.percent(40),
        status_capitalised: dice.percent(30),
        // Nobody can tell how much of a hidden pool is left.
        overseas_quota_hidden: !temper.tight_pools && dice.percent(10),
        mixed_batch: if dice.percent(15) { MixedBatchRule::FailRow } else { MixedBatchRule::Refuse },
        ..Switches::default()
    }
}

const SUBMITS: [&str; 3] = ["PurgeUrlsCache", "PurgePathCache", "PushUrlsCache"];
const READS: [&str; 4] = ["DescribePurgeTasks", "DescribePushTasks", "DescribePurgeQuota", "DescribePushQuota"];

/// One to three things that go wrong from now on, told in words.
pub(super) fn break_out(cloud: &Cloud, temper: Temper, excuses: &mut Excuses, dice: &mut Dice) -> String {
    let count = 1 + dice.below(3);
    let rules: Vec<FaultRule> = (0..count).map(|_| rule(temper, excuses, dice)).collect();
    let told = format!("{rules:?}");
    cloud.set_faults(rules);
    told
}

fn rule(temper: Temper, excuses: &mut Excuses, dice: &mut Dice) -> FaultRule {
    let any = *dice.one(&[SUBMITS[0], SUBMITS[1], SUBMITS[2], READS[0], READS[1], READS[2], READS[3], "*"]);
    let submit = *dice.one(&SUBMITS);
    let (action, fault) = match dice.below(18) {
        0..=3 => (submit, Fault::LoseAnswer),
        4 => (any, Fault::LoseAnswer),
        5 => (any, Fault::DropRequest),
        6 => (any, Fault::Status { status: *dice.one(&[500, 502, 429]), body: String::new(), after: dice.percent(50) }),
        7 => (any, if dice.percent(50) { Fault::Garbage } else { Fault::Truncate }),
        8 => (any, Fault::Slow { delay: dice.millis(100, 15_000) }),
        9 => (any, refusal("RequestLimitExceeded")),
        10 => (any, refusal(*dice.one(&["InternalError.CdnSystemError", "FailedOperation", "SomethingNew"]))),
        11 => (any, refusal(*dice.one(&ACCOUNT_CODES))),
        12 => (submit, refusal(*dice.one(&BATCH_CODES))),
        13 => (submit, Fault::LateListing { delay: dice.secs(1, 30) }),
        14 => ("*", Fault::Skew { seconds: dice.below(81) as i64 - 40 }),
        15 => (submit, Fault::NoEffect),
        _ => return grave(submit, temper, excuses, dice),
    };
    often(FaultRule::new(action, fault), dice)
}

const ACCOUNT_CODES: [&str; 5] = [
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "UnauthorizedOperation.CdnCamUnauthorized",
    "UnauthorizedOperation.CdnUserIsSuspended",
    "InvalidAction",
];
const BATCH_CODES: [&str; 3] = [
    "LimitExceeded.CdnPurgeUrlExceedBatchLimit",
    "LimitExceeded.CdnPurgePathExceedBatchLimit",
    "LimitExceeded.CdnPushExceedBatchLimit",
];

fn refusal(code: &str) -> Fault {
    Fault::Refuse { code: code.to_owned(), message: "scripted".to_owned() }
}

fn often(rule: FaultRule, dice: &mut Dice) -> FaultRule {
    match dice.below(4) {
        0 => rule.every(2 + dice.below(3) as u64),
        1 | 2 => rule.times(1 + dice.below(4) as u64),
        _ => rule,
    }
}

/// What only some histories have.
fn grave(submit: &str, temper: Temper, excuses: &mut Excuses, dice: &mut Dice) -> FaultRule {
    let fault = match dice.below(4) {
        0 if temper.rows_fail => {
            excuses.rows_failed = true;
            Fault::TaskFails { fraction: Some(0.3), target: None }
        }
        1 if temper.rows_never_end => {
            excuses.rows_never_ended = true;
            return FaultRule::new(submit, Fault::NeverDone).times(1 + dice.below(2) as u64);
        }
        2 if temper.targets_refused => {
            excuses.targets_refused = true;
            refusal(*dice.one(&["ResourceNotFound.CdnHostNotExists", "UnauthorizedOperation.CdnHostUnauthorized"]))
        }
        3 if temper.lists_lie => {
            excuses.lists_lied = true;
            Fault::LateListing { delay: dice.secs(55, 200) }
        }
        _ => Fault::LoseAnswer,
    };
    often(FaultRule::new(submit, fault), dice)
}

/// Somebody else spends from the account's pools, or the provider gives it others.
pub(super) fn meddle(cloud: &Cloud, excuses: &mut Excuses, dice: &mut Dice) -> String {
    excuses.outside_spending = true;
    let pools = cloud.quota();
    let pool = dice.one(&pools);
    let mut change = PoolChange { kind: pool.kind, area: pool.area, total: None, batch: None, spend: 0 };
    match dice.below(3) {
        0 => change.batch = Some((pool.batch / 2).max(1)),
        1 => change.total = Some(pool.total + 10),
        _ => change.spend = (pool.available() / 2).max(1).min(pool.available()),
    }
    excuses.batches_shrank |= change.batch.is_some();
    cloud.change_quota(&change);
    format!("{change:?}")
}

/// Everything is well again, and there is quota for all that is left.
pub(super) fn heal(cloud: &Cloud) {
    cloud.set_faults(Vec::new());
    cloud.set_switches(Switches::default());
    cloud.set_domain_status(LOCKED, DomainStatus::Online);
    for kind in [TaskKind::PurgeUrl, TaskKind::PurgePath, TaskKind::Push] {
        cloud.change_quota(&PoolChange { kind, area: Area::Global, total: Some(5_000), batch: None, spend: 0 });
    }
}
