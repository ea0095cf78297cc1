//! The faults of the clouds in a history, and which failures they excuse.

use std::time::Duration;

use refreshd::sandbox::{
    Area, Cloud, DomainStatus, Fault, FaultRule, MixedBatchRule, PoolChange, RateRule, RateScope, Sandbox, Switches,
    TaskKind,
};
use serde_json::json;

use super::db_snapshot::{ItemRow, JobRow, LaneRow};
use super::environment::{ABSENT, LOCKED, NARROW, STRANGER};
use super::rng::Dice;
use crate::support::http;

/// What may go wrong in a history. Each weakens what can be checked, so most histories have few of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Temper {
    pub(super) rows_fail: bool,
    pub(super) rows_never_end: bool,
    pub(super) targets_refused: bool,
    /// Others spend from the same pools, or the provider changes them.
    pub(super) outside_spending: bool,
    /// Tasks are listed only after the reconciler has given up on them.
    pub(super) lists_lie: bool,
    pub(super) tight_pools: bool,
    /// What stays stale is purged once more.
    pub(super) repurge: bool,
    /// Crowded directories are purged instead of their URLs.
    pub(super) promotion: bool,
    /// Some tenants may draw only a part of each day quota.
    pub(super) shares: bool,
}

/// Nothing.
pub(super) const CALM: Temper = Temper {
    rows_fail: false,
    rows_never_end: false,
    targets_refused: false,
    outside_spending: false,
    lists_lie: false,
    tight_pools: false,
    repurge: false,
    promotion: false,
    shares: false,
};

impl Temper {
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        Self {
            rows_fail: dice.percent(30),
            rows_never_end: dice.percent(15),
            targets_refused: dice.percent(20),
            outside_spending: dice.percent(20),
            lists_lie: dice.percent(10),
            tight_pools: dice.percent(40),
            repurge: dice.percent(25),
            promotion: dice.percent(30),
            shares: dice.percent(30),
        }
    }
}

/// The faults so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Excuses {
    pub(super) rows_failed: bool,
    pub(super) rows_never_ended: bool,
    pub(super) targets_refused: bool,
    pub(super) outside_spending: bool,
    pub(super) batches_shrank: bool,
    pub(super) lists_lied: bool,
    /// The provider hides some pool.
    pub(super) pools_hidden: bool,
    /// A change committed and returned an error, so some target may be counted that was never sent.
    pub(super) ledger_is_high: bool,
}

impl Excuses {
    /// Whether anything that happened lets this item fail.
    pub(super) fn explain(&self, item: &ItemRow, lane: &LaneRow, job: &JobRow) -> bool {
        let Some(failure) = &item.failure else { return false };
        let on = |host: &str| item.target.contains(&format!("//{host}/"));
        let misplaced =
            on(NARROW) && lane.area != "mainland" && (lane.operation == "prefetch" || lane.area == "overseas");
        let is_bad = on(STRANGER) || on(LOCKED) || misplaced;
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

/// Starts one to three faults, and returns their description.
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
        9 => (any, refusal(&["RequestLimitExceeded"], dice)),
        10 => (any, refusal(&["InternalError.CdnSystemError", "FailedOperation", "SomethingNew"], dice)),
        11 => (any, refusal(&ACCOUNT_CODES, dice)),
        12 => (submit, refusal(&BATCH_CODES, dice)),
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

fn refusal(codes: &[&str], dice: &mut Dice) -> Fault {
    Fault::Refuse { code: (*dice.one(codes)).to_owned(), message: "scripted".to_owned() }
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
            refusal(&["ResourceNotFound.CdnHostNotExists", "UnauthorizedOperation.CdnHostUnauthorized"], dice)
        }
        3 if temper.lists_lie => {
            excuses.lists_lied = true;
            Fault::LateListing { delay: dice.secs(55, 200) }
        }
        _ => Fault::LoseAnswer,
    };
    often(FaultRule::new(submit, fault), dice)
}

/// Somebody else spends from the account's pools, or the provider gives it others: at the cloud's control endpoint.
pub(super) async fn meddle(site: &Sandbox, excuses: &mut Excuses, dice: &mut Dice) -> String {
    excuses.outside_spending = true;
    let pools = site.cloud().quota();
    let pool = dice.one(&pools);
    let (kind, area) = (pool.kind.as_str(), pool.area.as_str());
    let change = match dice.below(3) {
        0 => {
            excuses.batches_shrank = true;
            json!({"kind": kind, "area": area, "batch": (pool.batch / 2).max(1)})
        }
        1 => json!({"kind": kind, "area": area, "total": pool.total + 10}),
        _ => json!({"kind": kind, "area": area, "spend": (pool.available() / 2).max(1).min(pool.available())}),
    };
    let url = format!("http://{}/control/quota", site.addresses.control);
    let answer = http().put(url).json(&json!([change])).send().await.expect("an answer of the control endpoint");
    assert_eq!(answer.status().as_u16(), 200, "{change}");
    change.to_string()
}

/// Everything is well again, and there is quota for all that is left.
pub(super) fn heal(cloud: &Cloud) {
    cloud.set_faults(Vec::new());
    cloud.set_switches(Switches::default());
    cloud.set_domain_status(LOCKED, DomainStatus::Online);
    for kind in [TaskKind::PurgeUrl, TaskKind::PurgePath, TaskKind::Push] {
        cloud.change_quota(&PoolChange { kind, area: Area::Global, total: Some(5_000), batch: Some(100), spend: 0 });
    }
}
