//! The laws (docs/laws.md) as far as the database shows them, each checked against the previous snapshot.
//! Between two checks at most one row of the state tables applies to any item or submission.

use std::collections::{BTreeMap, BTreeSet};

use refreshd::domain::{ErrorClass, Failure, ItemState, JobId, SubmissionState, Timestamp};

use super::db_snapshot::{ItemRow, JobRow, LaneRow, Rows};
use super::environment::{LOCKED, NARROW, STRANGER};
use super::operator_policy;
use super::provider_faults::Excuses;

/// A job whose acceptance a caller received: its items as (operation, target).
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub(super) id: JobId,
    pub(super) items: Vec<(String, String)>,
}

/// Calls of one lane without an answer (`engine.in_flight`).
const IN_FLIGHT_MAX: usize = 16;

/// The history so far.
#[derive(Default)]
pub(super) struct Laws {
    pub(super) before: Rows,
    /// The items and targets of each submission when it was sent.
    pub(super) left_with: BTreeMap<i64, Left>,
    /// Until when each submission had no answer.
    pub(super) open_until: BTreeMap<i64, Timestamp>,
    /// Every kind of change of a row: what a history reached.
    pub(super) moves: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) lane: LaneRow,
    pub(super) items: BTreeSet<i64>,
    pub(super) targets: BTreeSet<String>,
}

/// What happened between the last check and this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since<'a> {
    /// A new process was started.
    pub(super) restarted: bool,
    /// Lanes that were paused all the time.
    pub(super) paused: &'a BTreeSet<i64>,
    pub(super) now: Timestamp,
}

impl Laws {
    /// Everything that breaks a law in `now`, which is the past of the next check.
    pub(super) fn check(
        &mut self,
        now: Rows,
        since: Since<'_>,
        told: &[Acknowledged],
        excuses: &Excuses,
    ) -> Vec<String> {
        let mut broken = Vec::new();
        broken.extend(law_1_accepted_means_kept(&now, told));
        broken.extend(law_2_items_move_by_the_table(&self.before, &now));
        broken.extend(law_2_what_is_final_never_changes(&self.before, &now));
        broken.extend(law_2_submissions_move_by_the_table(&self.before, &now, since));
        broken.extend(law_3_calls_in_flight(&now));
        broken.extend(self.law_4_what_is_ambiguous_is_held(&now));
        let departed = self.note_departures(&now);
        let held = self.held(&now).into_keys().map(|(lane, target)| (lane.clone(), target.to_owned())).collect();
        broken.extend(law_8_urgent_leaves_first(&now, &departed, &held));
        broken.extend(nothing_leaves_a_paused_lane(&now, &departed, since));
        broken.extend(time_is_kept(&self.before, &now, &departed, since));
        broken.extend(self.law_5_nobody_boards_later(&now));
        broken.extend(law_6_purge_then_prefetch(&now, &departed));
        broken.extend(law_7_no_failure_is_swallowed(&self.before, &now, excuses));
        self.note_moves(&now, since);
        let is_open = |state| matches!(state, SubmissionState::Sending | SubmissionState::Ambiguous);
        let open = self.before.submissions.iter().filter(|(_, one)| is_open(one.state));
        self.open_until.extend(open.map(|(id, _)| (*id, since.now)));
        self.before = now;
        broken
    }

    fn note_moves(&mut self, now: &Rows, since: Since<'_>) {
        for (id, item) in &now.items {
            let old = self.before.items.get(id).map(|old| old.state).filter(|old| *old != item.state);
            self.moves.extend(old.map(|old| format!("item {old} to {}", item.state)));
            let rode = self.before.items.get(id).is_some_and(|old| old.ride.is_some());
            self.moves.extend(old.filter(|_| rode).map(|_| format!("riding item to {}", item.state)));
            let failed = old.is_some() && item.state == ItemState::Failed;
            self.moves
                .extend(item.failure.as_ref().filter(|_| failed).map(|why| format!("item failed: {}", why.class)));
        }
        for (id, one) in &now.submissions {
            let old = self.before.submissions.get(id).map(|old| old.state).filter(|old| *old != one.state);
            self.moves.extend(old.map(|old| format!("submission {old} to {}", one.state)));
            let healed = match one.code.as_deref().filter(|_| old.is_some() && !since.restarted) {
                Some(Failure::ORPHANED_CLAIM) => Some("claim of nobody"),
                Some("broke_off") => Some("call broken off"),
                _ => None,
            };
            self.moves.extend(healed.map(str::to_owned));
        }
        self.moves.extend(now.jobs.values().map(|job| format!("job {}", job.status)));
    }

    /// The targets of ambiguous submissions, before and now.
    fn held(&self, now: &Rows) -> BTreeMap<(&LaneRow, &str), i64> {
        let is_sought =
            |rows: &Rows, id: &i64| rows.submissions.get(id).is_some_and(|one| one.state == SubmissionState::Ambiguous);
        let sought = self.left_with.iter().filter(|(id, _)| is_sought(&self.before, id) && is_sought(now, id));
        sought
            .flat_map(|(id, remaining)| {
                remaining.targets.iter().map(|target| ((&remaining.lane, target.as_str()), *id))
            })
            .collect()
    }

    /// Stores the new submissions, and returns them.
    fn note_departures(&mut self, now: &Rows) -> Vec<(i64, Left)> {
        let mut departed = Vec::new();
        for (id, items) in now.travellers() {
            if self.left_with.contains_key(&id) || !now.submissions.contains_key(&id) {
                continue;
            }
            // An item that a directory covers is not sent.
            let sent = items.iter().map(|item| &now.items[item]).filter(|item| item.ride.is_none());
            let targets = sent.map(|item| item.target.clone()).collect();
            let lane = now.lanes[&now.submissions[&id].lane].clone();
            let remaining = Left { lane, items, targets };
            self.left_with.insert(id, remaining.clone());
            departed.push((id, remaining));
        }
        departed
    }

    /// A batch that is sent has no target of a submission that was and still is ambiguous.
    fn law_4_what_is_ambiguous_is_held(&self, now: &Rows) -> Vec<String> {
        let held = self.held(now);
        let mut broken = Vec::new();
        for (id, items) in now.travellers().into_iter().filter(|(id, _)| !self.left_with.contains_key(id)) {
            for item in items.iter().map(|item| &now.items[item]) {
                if let Some(holder) = held.get(&(now.lane_of(item), item.target.as_str())) {
                    broken.push(format!(
                        "law 4: submission {id} left with {}, which ambiguous submission {holder} holds",
                        item.target
                    ));
                }
            }
        }
        broken
    }

    fn law_5_nobody_boards_later(&self, now: &Rows) -> Vec<String> {
        let late = |(id, items): (i64, BTreeSet<i64>)| {
            let remaining = self.left_with.get(&id)?;
            let late: Vec<i64> = items.difference(&remaining.items).copied().collect();
            (!late.is_empty()).then(|| format!("law 5: items {late:?} boarded submission {id} after it had left"))
        };
        now.travellers().into_iter().filter_map(late).collect()
    }
}

fn law_1_accepted_means_kept(now: &Rows, told: &[Acknowledged]) -> Vec<String> {
    let mut kept: BTreeMap<i64, Vec<(String, String)>> = BTreeMap::new();
    for item in now.items.values() {
        kept.entry(item.job).or_default().push((now.lane_of(item).operation.clone(), item.target.clone()));
    }
    let ids: BTreeMap<JobId, i64> = now.jobs.iter().map(|(row, job)| (job.id, *row)).collect();
    let mut broken = Vec::new();
    for job in told {
        let mut found = ids.get(&job.id).and_then(|row| kept.get(row)).cloned().unwrap_or_default();
        found.sort();
        if found != job.items {
            broken.push(format!("law 1: {} was acknowledged with {:?} and has {found:?}", job.id, job.items));
        }
    }
    broken
}

fn law_2_items_move_by_the_table(before: &Rows, now: &Rows) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, old) in &before.items {
        match now.items.get(id) {
            None => broken.push(format!("law 2: item {id} is gone")),
            Some(new) if new.state != old.state && !old.state.may_become(new.state) => {
                broken.push(format!("law 2: item {id} went from {} to {}: {new:?}", old.state, new.state));
            }
            Some(_) => {}
        }
    }
    let new = now.items.iter().filter(|(id, _)| !before.items.contains_key(id));
    // A promoted directory is created and claimed in one step.
    let may_begin = |item: &ItemRow| {
        item.state == ItemState::Pending
            || (item.state == ItemState::Submitted && operator_policy::is_promoted(&now.jobs[&item.job]))
    };
    broken.extend(
        new.filter(|(_, item)| !may_begin(item)).map(|(id, item)| format!("law 2: item {id} began as {}", item.state)),
    );
    broken
}

fn law_2_what_is_final_never_changes(before: &Rows, now: &Rows) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, old) in before.items.iter().filter(|(_, item)| item.state.is_final()) {
        if now.items.get(id) != Some(old) {
            broken.push(format!("law 2: final item {id} changed from {old:?} to {:?}", now.items.get(id)));
        }
    }
    // The verification follows later, separately.
    let end = |job: &JobRow| (job.status.clone(), job.counts, job.finished_at);
    for (id, old) in before.jobs.iter().filter(|(_, job)| job.finished_at.is_some()) {
        if now.jobs.get(id).map(end) != Some(end(old)) {
            broken.push(format!("law 2: final job {id} changed from {old:?} to {:?}", now.jobs.get(id)));
        }
    }
    broken
}

fn law_2_submissions_move_by_the_table(before: &Rows, now: &Rows, since: Since<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, new) in &now.submissions {
        let legal = match before.submissions.get(id).map(|old| old.state) {
            // The process that sent it was killed.
            Some(_) | None if since.restarted && new.state == SubmissionState::Sending => false,
            Some(old) => old == new.state || old.may_become(new.state),
            // Claimed by a process that was killed at once.
            None if since.restarted => new.state == SubmissionState::Ambiguous,
            None => new.state == SubmissionState::Sending,
        };
        if !legal {
            let old = before.submissions.get(id);
            broken.push(format!("law 2: submission {id} came from {old:?} to {new:?}"));
        }
    }
    broken
}

fn law_3_calls_in_flight(now: &Rows) -> Vec<String> {
    let mut open: BTreeMap<i64, usize> = BTreeMap::new();
    for one in now.submissions.values().filter(|one| one.state == SubmissionState::Sending) {
        *open.entry(one.lane).or_default() += 1;
    }
    let too_many = open.into_iter().filter(|(_, calls)| *calls > IN_FLIGHT_MAX);
    too_many.map(|(lane, calls)| format!("law 3: lane {lane} has {calls} calls without an answer")).collect()
}

fn law_6_purge_then_prefetch(now: &Rows, departed: &[(i64, Left)]) -> Vec<String> {
    let mut broken = Vec::new();
    for (submission, remaining) in departed.iter().filter(|(_, remaining)| remaining.lane.operation == "prefetch") {
        for id in &remaining.items {
            let prefetch = &now.items[id];
            let is_refresh = now.jobs[&prefetch.job].operation == "refresh";
            for (purge_id, purge) in purges_above(now, prefetch) {
                let same_job = purge.job == prefetch.job;
                let wrong = match (same_job, is_refresh) {
                    (true, true) => purge.state != ItemState::Succeeded,
                    (false, false) => {
                        let sent_at = now.submissions[submission].created_at;
                        let may_leave = now.jobs[&purge.job].not_before.is_none_or(|moment| moment <= sent_at);
                        purge.job < prefetch.job && !purge.state.is_final() && may_leave
                    }
                    _ => false,
                };
                if wrong {
                    broken.push(format!(
                        "law 6: submission {submission} prefetches item {id} while purge {purge_id} is {}",
                        purge.state
                    ));
                }
            }
        }
    }
    broken
}

/// The purges of a target, and of the directories above it.
fn purges_above<'a>(now: &'a Rows, prefetch: &'a ItemRow) -> impl Iterator<Item = (&'a i64, &'a ItemRow)> {
    now.items.iter().filter(move |(_, item)| {
        let lane = now.lane_of(item);
        let covers = match lane.kind.as_str() {
            "directory" => prefetch.target.starts_with(&item.target),
            _ => prefetch.target == item.target,
        };
        lane.operation == "purge" && covers
    })
}

/// A tenth of the places goes to the oldest items whatever their priority; all others to urgent ones, if there are any.
fn law_8_urgent_leaves_first(now: &Rows, departed: &[(i64, Left)], held: &BTreeSet<(LaneRow, String)>) -> Vec<String> {
    // A target that was refused with its batch is isolated, and a target of an ambiguous submission waits.
    let is_suspect = |item: &ItemRow| [STRANGER, LOCKED, NARROW].iter().any(|host| item.target.contains(host));
    let waits = |item: &&ItemRow| item.due && item.urgent && !is_suspect(item);
    let mut broken = Vec::new();
    for (id, remaining) in departed {
        let lane = now.submissions[id].lane;
        let urgent: BTreeSet<&str> = remaining
            .items
            .iter()
            .map(|item| &now.items[item])
            .filter(|item| item.urgent && item.ride.is_none())
            .map(|item| item.target.as_str())
            .collect();
        let others = remaining.targets.len() - urgent.len();
        let is_held = |item: &&ItemRow| held.contains(&(now.lane_of(item).clone(), item.target.clone()));
        let waiting = now.items.values().filter(waits).filter(|item| item.lane == lane && !is_held(item));
        let behind = waiting.clone().count();
        // An isolated batch cannot make room for others, but no batch without urgent items goes before one with them.
        let company = company(remaining.items.iter().map(|item| now.items[item].cohort));
        let could_board = waiting.filter(|item| item.cohort == company).count();
        let is_wrong = could_board > 0 || (behind > 0 && urgent.is_empty());
        if is_wrong && others > oldest_places(remaining.targets.len()) {
            broken.push(format!(
                "law 8: submission {id} left with {others} targets that are not urgent, and {behind} urgent ones wait"
            ));
        }
    }
    broken
}

/// The group of most items: those that share a place come from any.
fn company(cohorts: impl Iterator<Item = i64>) -> i64 {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for cohort in cohorts {
        *counts.entry(cohort).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(cohort, _)| cohort)
}

fn nothing_leaves_a_paused_lane(now: &Rows, departed: &[(i64, Left)], since: Since<'_>) -> Vec<String> {
    let lane = |id: &i64| now.submissions[id].lane;
    let remaining = departed.iter().filter(|(id, _)| since.paused.contains(&lane(id)));
    remaining.map(|(id, _)| format!("pause: submission {id} left lane {}, which a person paused", lane(id))).collect()
}

/// Places of a batch that the oldest items may take.
fn oldest_places(targets: usize) -> usize {
    if targets == 1 { 0 } else { (targets / 10).max(1) }
}

/// No item is sent before `not_before`, after its deadline or after it was cancelled; none expires without a deadline.
fn time_is_kept(before: &Rows, now: &Rows, departed: &[(i64, Left)], since: Since<'_>) -> Vec<String> {
    let moment = since.now.as_millis();
    let mut broken = Vec::new();
    for (submission, remaining) in departed.iter().filter(|_| !since.restarted) {
        for job in remaining.items.iter().map(|item| &now.jobs[&now.items[item].job]) {
            if job.marked || job.not_before.is_some_and(|at| moment < at) || job.deadline.is_some_and(|at| at <= moment)
            {
                broken.push(format!("time: submission {submission} left at {moment} with an item of {job:?}"));
            }
        }
    }
    let expired = |item: &ItemRow| item.state == ItemState::Expired;
    for (id, item) in now.items.iter().filter(|(_, item)| expired(item)) {
        if !before.items.get(id).is_some_and(expired) && now.jobs[&item.job].deadline.is_none_or(|at| moment < at) {
            broken.push(format!("time: item {id} expired at {moment}, before its deadline"));
        }
    }
    broken
}

fn law_7_no_failure_is_swallowed(before: &Rows, now: &Rows, excuses: &Excuses) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, item) in &now.items {
        let is_new = before.items.get(id).is_none_or(|old| old.state != item.state);
        if item.state != ItemState::Failed || !is_new {
            continue;
        }
        let told = item.failure.as_ref().is_some_and(|failure| {
            let class = failure.class.parse::<ErrorClass>();
            let advised = class.is_ok_and(|class| !Failure::new(class, "", "").advice().is_empty());
            advised && !failure.code.is_empty() && !failure.message.is_empty()
        });
        if !told {
            broken.push(format!("law 7: item {id} failed without a reason: {item:?}"));
        }
        if !excuses.explain(item, now.lane_of(item), &now.jobs[&item.job]) {
            broken.push(format!("law 7: item {id} failed, and nothing was wrong with it: {item:?}"));
        }
        if item.failure.as_ref().is_some_and(|failure| failure.class == "purge_failed") {
            let lost = |purge: &ItemRow| {
                purge.job == item.job && purge.state.is_final() && purge.state != ItemState::Succeeded
            };
            if !purges_above(now, item).any(|(_, purge)| lost(purge)) {
                broken.push(format!("law 6: item {id} ended for a purge that did not fail"));
            }
        }
    }
    broken
}
