//! The operator's configuration of a history: directories that URL purges are promoted to, and tenants that may use only a part
//! of each day quota; and the laws that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use refreshd::domain::{ItemState, Promotion, PromotionRule, ServiceDay, TenantName, Timestamp};
use refreshd::sandbox::{Cloud, SimulatedPool, TaskKind};

use super::db_snapshot::{ItemRow, JobRow, LaneRow, Rows};
use super::invariants::{Laws, Left};
use super::provider_faults::Temper;

/// Directories promoted in a provider's day, over both clouds.
const PER_DAY: u32 = 2;
/// Where, from how many URLs on, and how deep. Piles lie two deep.
const CROWDED: [(&str, u32, u32); 3] =
    [("www.example.com", 12, 2), ("img.example.com", 4, 0), ("www.example.net", 12, 2)];
const SHARES: [(&str, f64); 2] = [("red", 0.02), ("green", 0.3)];

pub(super) struct Rules {
    pub(super) promotion: Promotion,
    pub(super) shares: BTreeMap<TenantName, f64>,
}

impl Rules {
    pub(super) fn of(temper: Temper) -> Self {
        let hosts = CROWDED.iter().filter(|_| temper.promotion);
        let hosts = hosts.map(|(host, at, depth)| ((*host).to_owned(), PromotionRule { at: *at, depth: *depth }));
        let shares = SHARES.iter().filter(|_| temper.shares).map(|(tenant, part)| (TenantName::new(*tenant), *part));
        Self { promotion: Promotion { per_day: PER_DAY, hosts: hosts.collect() }, shares: shares.collect() }
    }

    /// What was reached between two moments, and what breaks a law.
    pub(super) fn check(&self, before: &Rows, now: &Rows) -> (Vec<String>, Vec<String>) {
        let (mut reached, mut broken) = (Vec::new(), law_5_who_rides_ends_with_the_directory(before, now));
        let new = now.jobs.iter().filter(|(id, _)| !before.jobs.contains_key(id));
        for (id, job) in new {
            if is_promoted(job) {
                reached.push("directory promoted".to_owned());
                broken.extend(self.only_crowds_are_promoted(*id, before, now));
            }
            if job.source.as_deref() == Some("verify") {
                reached.push("second purge".to_owned());
                broken.extend(only_one_second_purge(*id, now));
            }
        }
        broken.extend(promoted_at_most_so_often(now));
        let waits = now.items.values().filter(|item| waits_for_its_share(item));
        for job in waits.map(|item| &now.jobs[&item.job]) {
            reached.push("tenant waits for its share".to_owned());
            if !self.shares.contains_key(&TenantName::new(job.tenant.as_str())) {
                broken.push(format!("shares: {} waits for a share, and its tenant has none: {job:?}", job.id));
            }
        }
        let rides = now.items.values().filter_map(|item| item.ride);
        if rides.map(|directory| &now.jobs[&now.items[&directory].job]).any(is_promoted) {
            reached.push("rider on a promoted directory".to_owned());
        }
        (reached, broken)
    }

    /// A directory is promoted where the operator said so, as deep at least, and for as many URLs at least.
    fn only_crowds_are_promoted(&self, job: i64, before: &Rows, now: &Rows) -> Vec<String> {
        let promoted = now.items.values().filter(|item| item.job == job);
        let judge = |item: &ItemRow| {
            let (host, path) = host_and_path(&item.target);
            let Some(rule) = self.promotion.hosts.get(host) else {
                return Some(format!("promotion: nobody wants {} promoted", item.target));
            };
            let lane = now.lane_of(item);
            let waits = |url: &&ItemRow| {
                let theirs = before.lane_of(url);
                let alike = (&theirs.account, &theirs.area) == (&lane.account, &lane.area);
                let is_url_purge = (theirs.operation.as_str(), theirs.kind.as_str()) == ("purge", "url");
                alike && is_url_purge && url.state == ItemState::Pending && url.target.starts_with(&item.target)
            };
            let crowd: BTreeSet<&str> = before.items.values().filter(waits).map(|url| url.target.as_str()).collect();
            let depth = path.matches('/').count() - 1;
            let is_right = lane.kind == "directory" && depth >= rule.depth as usize && crowd.len() >= rule.at as usize;
            let crowd = crowd.len();
            (!is_right).then(|| format!("promotion: {} {depth} deep for {crowd} URLs, by {rule:?}", item.target))
        };
        promoted.filter_map(judge).collect()
    }

    /// What was surely charged for a tenant, and what it is held to have drawn, is no more than its share of any pool.
    pub(super) fn check_shares(&self, account: &str, cloud: &Cloud, laws: &Laws, now: Timestamp) -> Vec<String> {
        if self.shares.is_empty() {
            return Vec::new();
        }
        let rows = &laws.before;
        let day_began = ServiceDay::east_of_utc(8).start(now).as_millis();
        let is_spent = |id: i64| {
            rows.submissions.get(&id).is_some_and(|one| one.state.may_have_spent() && one.created_at >= day_began)
        };
        let today: Vec<(i64, &Left)> = laws
            .left_with
            .iter()
            .filter(|(id, remaining)| remaining.lane.account == account && is_spent(**id))
            .map(|(id, remaining)| (*id, remaining))
            .collect();
        let mut broken = Vec::new();
        for pool in cloud.quota() {
            let drawn: Vec<&(i64, &Left)> =
                today.iter().filter(|(_, remaining)| draws(&remaining.lane, &pool)).collect();
            for (tenant, part) in &self.shares {
                let share = ((pool.total as f64 * part) as u64).max(1);
                let sent: u64 = drawn.iter().map(|(_, remaining)| surely_of(tenant, remaining, rows)).sum();
                let kept = rows.places.iter().filter(|row| row.tenant == tenant.as_str());
                let kept = kept.filter(|row| drawn.iter().any(|(id, _)| *id == row.submission));
                let kept: u64 = kept.map(|row| row.targets).sum();
                if sent > share || kept > share {
                    broken.push(format!("shares: {tenant} drew {sent} to {kept} of its {share}: {account} {pool:?}"));
                }
            }
        }
        broken
    }
}

pub(super) fn is_promoted(job: &JobRow) -> bool {
    job.tenant == Promotion::TENANT
}

fn waits_for_its_share(item: &ItemRow) -> bool {
    item.state == ItemState::Pending && item.wait.as_deref() == Some("day_quota")
}

/// A covered item is below its directory, in an area where that is purged too, succeeds only with it, and is otherwise sent
/// itself.
fn law_5_who_rides_ends_with_the_directory(before: &Rows, now: &Rows) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, item) in &now.items {
        let old = before.items.get(id);
        let boards = item.ride.filter(|ride| old.is_none_or(|old| old.ride != Some(*ride)));
        if let Some(directory) = boards.map(|ride| &now.items[&ride]) {
            let (ours, theirs) = (now.lane_of(item), now.lane_of(directory));
            let is_same = (&ours.account, &ours.area) == (&theirs.account, &theirs.area);
            let covers = theirs.kind == "directory" && item.target.starts_with(&directory.target);
            if !is_same || !covers || item.submission != directory.submission {
                broken.push(format!("law 5: item {id} rides where it must not: {item:?} on {directory:?}"));
            }
        }
        let Some(directory) = old.filter(|old| old.state == ItemState::Submitted).and_then(|old| old.ride) else {
            continue;
        };
        let ended = now.items[&directory].state;
        let is_wrong = match item.state {
            ItemState::Succeeded => ended != ItemState::Succeeded,
            ItemState::Failed => true,
            _ => false,
        };
        if is_wrong {
            broken.push(format!("law 5: item {id} rode and ended {}, its directory {ended}: {item:?}", item.state));
        }
    }
    broken
}

fn promoted_at_most_so_often(now: &Rows) -> Vec<String> {
    let mut by_day: BTreeMap<Timestamp, u32> = BTreeMap::new();
    for job in now.jobs.values().filter(|job| is_promoted(job)) {
        *by_day.entry(ServiceDay::east_of_utc(8).start(Timestamp::from_millis(job.created_at))).or_default() += 1;
    }
    let many = by_day.into_iter().filter(|(_, promoted)| *promoted > PER_DAY);
    many.map(|(day, promoted)| format!("promotion: {promoted} directories in the day of {day:?}")).collect()
}

/// Of a job, and only of what that purged.
fn only_one_second_purge(job: i64, now: &Rows) -> Vec<String> {
    let second = &now.jobs[&job];
    let others = now.jobs.values().filter(|other| other.source == second.source && other.retry_of == second.retry_of);
    let mut broken = Vec::new();
    if others.count() > 1 {
        broken.push(format!("second purge: {} is not the only one: {second:?}", second.id));
    }
    let first = now.jobs.iter().find(|(_, first)| Some(hex(first)) == second.retry_of);
    let purged = |target: &str| {
        now.items.values().any(|item| {
            first.is_some_and(|(id, _)| *id == item.job)
                && item.target == target
                && now.lane_of(item).operation == "purge"
        })
    };
    let more = now.items.values().filter(|item| item.job == job && !purged(&item.target));
    broken.extend(more.map(|item| format!("second purge: {} was not purged before: {second:?}", item.target)));
    broken
}

fn hex(job: &JobRow) -> String {
    job.id.to_string().trim_start_matches("job_").to_owned()
}

fn host_and_path(target: &str) -> (&str, &str) {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}

fn draws(lane: &LaneRow, pool: &SimulatedPool) -> bool {
    let kind = match (lane.operation.as_str(), lane.kind.as_str()) {
        ("prefetch", _) => TaskKind::Push,
        (_, "directory") => TaskKind::PurgePath,
        _ => TaskKind::PurgeUrl,
    };
    kind == pool.kind && [pool.area.as_str(), "own", "global"].contains(&lane.area.as_str())
}

/// Targets that no other tenant requested: another tenant may have been charged for the rest.
fn surely_of(tenant: &TenantName, remaining: &Left, rows: &Rows) -> u64 {
    let others = |item: &&ItemRow| rows.jobs[&item.job].tenant != tenant.as_str();
    let items =
        || remaining.items.iter().map(|id| &rows.items[id]).filter(|item| remaining.targets.contains(&item.target));
    let shared: BTreeSet<&str> = items().filter(others).map(|item| item.target.as_str()).collect();
    let own = items().filter(|item| !others(item)).map(|item| item.target.as_str()).filter(|one| !shared.contains(one));
    own.collect::<BTreeSet<_>>().len() as u64
}
