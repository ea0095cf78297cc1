//! What became of a call: a task, a refusal, nothing, or no answer.

use refreshd::domain::{
    ErrorClass, Failure, ItemOperation, Lane, LaneId, Priority, SubmissionId, SubmissionState, TargetKind,
};
use refreshd::store::{EventKind, Guarded, NewJob, Release, ReleaseAction, Store};

use super::fixtures::{
    accept, at, batch, claim, events, give_back, items, job, keep, kinds, lane, lane_of, numbers, prefetch, purge,
    settle, states, travelling, url,
};

async fn try_accept(store: &dyn Store, id: SubmissionId, task: &str) -> Guarded {
    store.accept(id, task, Some("request"), at(50), at(20)).await.expect("an outcome")
}

async fn lose(store: &dyn Store, id: SubmissionId) -> Guarded {
    let failure = Failure::new(ErrorClass::Lost, "timeout", "no answer");
    store.mark_ambiguous(id, failure, at(30), at(20)).await.expect("an outcome")
}

async fn release(store: &dyn Store, id: SubmissionId) -> Guarded {
    let failure = Failure::new(ErrorClass::Lost, "not_listed", "not there");
    let back = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
    store.release(id, back, at(40)).await.expect("an outcome")
}

pub async fn a_task_is_accepted_once(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let claim = batch(store, lane_of(store, &kept, 0).await, 10, at(2)).await;
    assert_eq!(items(store, &kept).await[0].attempts, 0);
    assert_eq!(try_accept(store, claim.submission, "t-1").await, Guarded::Done);
    let item = items(store, &kept).await.remove(0);
    assert_eq!((item.task_id.as_deref(), item.request_id.as_deref(), item.attempts), (Some("t-1"), Some("request"), 1));
    assert_eq!(try_accept(store, claim.submission, "t-1").await, Guarded::Conflict);
    assert_eq!(try_accept(store, claim.submission, "t-2").await, Guarded::Conflict);
    assert_eq!(items(store, &kept).await[0].task_id.as_deref(), Some("t-1"));
    assert_eq!(try_accept(store, SubmissionId(999), "t-3").await, Guarded::Conflict);
    assert_eq!(kinds(store, &kept).await, [EventKind::Accepted, EventKind::Claimed, EventKind::Submitted]);
    let told = events(store, &kept).await;
    assert_eq!((told[2].task_id.as_deref(), told[2].items), (Some("t-1"), Some(2)));
}

pub async fn a_known_task_is_not_adopted_twice(store: &dyn Store) {
    let kept = keep(store, purge(0..4), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let (one, two) = (batch(store, lane, 2, at(2)).await, batch(store, lane, 2, at(3)).await);
    accept(store, one.submission, "t-1", at(4)).await;
    lose(store, two.submission).await;
    assert_eq!(try_accept(store, two.submission, "t-1").await, Guarded::Conflict);
    settle(store, one.submission, &[], at(5)).await;
    assert_eq!(try_accept(store, two.submission, "t-1").await, Guarded::Conflict, "an ended task too");
    assert_eq!(states(store, &kept).await, "sstt");
    let asked = ["t-0", "t-1", "t-2"].map(str::to_owned);
    assert_eq!(store.tasks_with_submissions(&asked).await.expect("tasks"), ["t-1"]);
    assert_eq!(try_accept(store, two.submission, "t-2").await, Guarded::Done);
    assert_eq!(store.tasks_with_submissions(&[]).await.expect("tasks"), Vec::<String>::new());
}

pub async fn an_account_or_operation_of_its_own_may_have_an_equal_task(store: &dyn Store) {
    let mut elsewhere = purge(0..1);
    elsewhere.parts[0].lane = lane("other", ItemOperation::Purge, TargetKind::Url);
    for draft in [purge(0..1), prefetch(1..2), elsewhere] {
        let kept = keep(store, draft, at(1)).await;
        let claim = batch(store, lane_of(store, &kept, 0).await, 1, at(2)).await;
        accept(store, claim.submission, "t-1", at(3)).await;
    }
}

pub async fn a_submission_given_back_is_due_again(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    for state in [SubmissionState::Refused, SubmissionState::Released] {
        let claim = batch(store, lane, 2, at(2)).await;
        assert_eq!(states(store, &kept).await, "ttd");
        let failure = Failure::new(ErrorClass::Outage, "502", "bad gateway");
        let back = Release { state, failure, items: ReleaseAction::Requeue };
        assert_eq!(store.release(claim.submission, back, at(3)).await.expect("an outcome"), Guarded::Done);
        assert_eq!(states(store, &kept).await, "ddd");
        assert_eq!(items(store, &kept).await[0].attempts, 0, "it blames no target");
        assert_eq!(store.usage_since(at(0)).await.expect("what was spent"), [], "it spent nothing");
    }
    let again = batch(store, lane, 9, at(4)).await;
    assert_eq!(numbers(&again), ["0", "1", "2"], "in their old order");
    let kept = job(store, &kept).await;
    assert!(kept.started && kept.finished_at.is_none());
}

pub async fn a_refused_batch_is_halved_until_one_target_is_to_blame(store: &dyn Store) {
    let kept = keep(store, purge(0..5), at(1)).await;
    let rider = keep(store, purge(3..4), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let mut calls = Vec::new();
    while let Some(claim) = claim(store, lane, 10, at(2)).await {
        calls.push(numbers(&claim).join(" "));
        if claim.targets.contains(&url(3)) {
            assert_eq!(give_back(store, claim.submission, ReleaseAction::SplitTargets, at(3)).await, Guarded::Done);
        } else {
            accept(store, claim.submission, &format!("t-{}", claim.submission), at(3)).await;
            settle(store, claim.submission, &[], at(4)).await;
        }
    }
    assert_eq!(calls, ["0 1 2 3 4", "0 1", "2 3 4", "2", "3 4", "3", "4"]);
    assert_eq!((states(store, &kept).await.as_str(), states(store, &rider).await.as_str()), ("sssfs", "f"));
    let failed = items(store, &rider).await.remove(0);
    assert_eq!(failed.failure.expect("evidence").code, "code");
    assert_eq!(failed.attempts, 1, "the one call that blamed it alone");
    assert_eq!(kinds(store, &rider).await.last(), Some(&EventKind::Finished));
}

pub async fn cohorts_stay_apart_through_other_troubles(store: &dyn Store) {
    let kept = keep(store, purge(0..4), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let all = batch(store, lane, 10, at(2)).await;
    give_back(store, all.submission, ReleaseAction::SplitTargets, at(3)).await;
    keep(store, purge(50..52), at(4)).await;
    let half = batch(store, lane, 10, at(5)).await;
    assert_eq!(numbers(&half), ["0", "1"]);
    give_back(store, half.submission, ReleaseAction::Requeue, at(6)).await;
    let half = batch(store, lane, 10, at(7)).await;
    assert_eq!(numbers(&half), ["0", "1"], "a throttled half still travels alone");
    lose(store, half.submission).await;
    assert_eq!(numbers(&batch(store, lane, 10, at(8)).await), ["2", "3"]);
    release(store, half.submission).await;
    assert_eq!(numbers(&batch(store, lane, 10, at(9)).await), ["0", "1"]);
    assert_eq!(numbers(&batch(store, lane, 10, at(10)).await), ["50", "51"]);
}

pub async fn cohorts_of_two_refusals_do_not_meet(store: &dyn Store) {
    let kept = keep(store, purge(0..12), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let batches =
        [batch(store, lane, 4, at(2)).await, batch(store, lane, 4, at(2)).await, batch(store, lane, 4, at(2)).await];
    for batch in &batches {
        give_back(store, batch.submission, ReleaseAction::SplitTargets, at(3)).await;
    }
    let mut halves = Vec::new();
    while let Some(claim) = claim(store, lane, 100, at(4)).await {
        halves.push(numbers(&claim).join(" "));
    }
    assert_eq!(halves, ["0 1", "2 3", "4 5", "6 7", "10 11", "8 9"]);
}

/// Law 8: `urgent` leaves with the next call, however many halves of a refused batch wait.
pub async fn urgent_work_does_not_wait_for_cohorts(store: &dyn Store) {
    let bulk = keep(store, NewJob { priority: Priority::Bulk, ..purge(0..4) }, at(1)).await;
    let lane = lane_of(store, &bulk, 0).await;
    let all = batch(store, lane, 4, at(2)).await;
    give_back(store, all.submission, ReleaseAction::SplitTargets, at(3)).await;
    keep(store, purge(50..51), at(4)).await;
    keep(store, NewJob { priority: Priority::Urgent, ..purge(60..61) }, at(4)).await;
    assert_eq!(numbers(&batch(store, lane, 1, at(5)).await), ["60"]);
    assert_eq!(numbers(&batch(store, lane, 10, at(5)).await), ["50"], "nor does normal work for bulk");
    assert_eq!(numbers(&batch(store, lane, 10, at(5)).await), ["0", "1"]);
    let urgent = keep(store, NewJob { priority: Priority::Urgent, ..purge(70..74) }, at(6)).await;
    let refused = batch(store, lane, 10, at(7)).await;
    assert_eq!(numbers(&refused), ["70", "71", "72", "73"]);
    give_back(store, refused.submission, ReleaseAction::SplitTargets, at(7)).await;
    keep(store, NewJob { priority: Priority::Urgent, ..purge(80..81) }, at(8)).await;
    let next = [batch(store, lane, 10, at(9)).await, batch(store, lane, 10, at(9)).await];
    assert_eq!(next.each_ref().map(|claim| numbers(claim).join(" ")), ["70 71", "72 73"], "urgent halves are first");
    assert_eq!(states(store, &urgent).await, "tttt");
    assert_eq!(numbers(&batch(store, lane, 10, at(9)).await), ["80"]);
    assert_eq!(numbers(&batch(store, lane, 10, at(9)).await), ["2", "3"]);
}

pub async fn a_lost_answer_holds_its_targets(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let claim = batch(store, lane, 10, at(2)).await;
    let waiting = keep(store, purge(0..1), at(3)).await;
    assert_eq!(lose(store, claim.submission).await, Guarded::Done);
    assert_eq!(states(store, &kept).await, "tt");
    assert_eq!(lose(store, claim.submission).await, Guarded::Conflict);
    assert_eq!(
        give_back(store, claim.submission, ReleaseAction::Requeue, at(25)).await,
        Guarded::Conflict,
        "the list decides now"
    );
    let (open, next) = store.due_submissions(true, 9, at(30)).await.expect("submissions");
    assert_eq!((open.len(), open[0].answered_at, next), (1, Some(at(20)), None));
    assert_eq!(release(store, claim.submission).await, Guarded::Done);
    assert_eq!((states(store, &kept).await.as_str(), states(store, &waiting).await.as_str()), ("dd", "d"));
    let again = batch(store, lane, 10, at(50)).await;
    assert_eq!((again.targets.len(), again.items), (2, 3));
    lose(store, again.submission).await;
    accept(store, again.submission, "found", at(60)).await;
    assert_eq!(settle(store, again.submission, &[], at(70)).await, Guarded::Done);
    assert_eq!((states(store, &kept).await.as_str(), states(store, &waiting).await.as_str()), ("ss", "s"));
    let told = events(store, &kept).await;
    let lost = told.iter().find(|event| event.kind == EventKind::Ambiguous).expect("an event");
    assert_eq!(lost.failure.as_ref().map(|failure| failure.class), Some(ErrorClass::Lost));
}

pub async fn what_was_sending_at_the_start_is_ambiguous(store: &dyn Store) {
    let kept = keep(store, purge(0..8), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let accepted = travelling(store, lane, 2, at(2)).await;
    let sending = [batch(store, lane, 2, at(3)).await, batch(store, lane, 2, at(4)).await];
    assert_eq!(store.recover(at(90)).await.expect("a start"), 2);
    assert_eq!(store.recover(at(91)).await.expect("a start"), 0);
    let (open, _) = store.due_submissions(true, 9, at(90)).await.expect("submissions");
    let ids: Vec<_> = open.iter().map(|open| open.id).collect();
    assert_eq!(ids, sending.each_ref().map(|claim| claim.submission));
    let (open, _) = store.due_submissions(false, 9, at(90)).await.expect("submissions");
    assert_eq!(open[0].id, accepted.submission);
    assert_eq!(states(store, &kept).await, "ttttttdd");
    let spent = store.usage_since(at(0)).await.expect("what was spent");
    assert_eq!((spent[0].targets, spent[0].in_flight), (6, 4));
    let failure = Failure::new(ErrorClass::Lost, Failure::NOT_LISTED, "not there");
    let back = Release { state: SubmissionState::Released, failure, items: ReleaseAction::Requeue };
    store.release(sending[0].submission, back, at(95)).await.expect("an outcome");
    let spent = store.usage_since(at(0)).await.expect("what was spent");
    assert_eq!((spent[0].targets, spent[0].in_flight, spent[0].undecided), (4, 2, 2), "counted apart");
}

/// By this a sender finds claims that it was told an error for.
pub async fn what_is_sending_is_told_until_it_is_answered(store: &dyn Store) {
    let kept = keep(store, purge(0..10), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    assert_eq!(store.sending_submissions().await.expect("submissions"), []);
    let claims = [2, 3, 1, 4].map(|targets| (targets, batch(store, lane, targets, at(i64::from(targets)))));
    let mut made = Vec::new();
    for (targets, claim) in claims {
        made.push((claim.await.submission, targets));
    }
    let told = store.sending_submissions().await.expect("submissions");
    assert_eq!(told.iter().map(|one| (one.id, one.targets)).collect::<Vec<_>>(), made);
    assert_eq!((told[1].created_at, told[1].answered_at, told[1].task_id.as_ref()), (at(3), None, None));
    assert_eq!(told[1].lane, lane_depth(store, lane).await);
    accept(store, made[0].0, "t-1", at(9)).await;
    give_back(store, made[1].0, ReleaseAction::Requeue, at(9)).await;
    lose(store, made[2].0).await;
    let left: Vec<_> = store.sending_submissions().await.expect("submissions").iter().map(|one| one.id).collect();
    assert_eq!(left, [made[3].0]);
}

async fn lane_depth(store: &dyn Store, lane: LaneId) -> Lane {
    let lanes = store.lanes().await.expect("lanes");
    lanes.into_iter().find(|record| record.id == lane).expect("a lane").lane
}

pub async fn what_is_over_is_not_changed(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let refused = batch(store, lane, 1, at(2)).await;
    give_back(store, refused.submission, ReleaseAction::Requeue, at(3)).await;
    let done = travelling(store, lane, 9, at(4)).await;
    settle(store, done.submission, &[], at(5)).await;
    let before = (job(store, &kept).await, items(store, &kept).await, events(store, &kept).await.len());
    for id in [refused.submission, done.submission, SubmissionId(777)] {
        assert_eq!(try_accept(store, id, "other").await, Guarded::Conflict);
        assert_eq!(lose(store, id).await, Guarded::Conflict);
        assert_eq!(give_back(store, id, ReleaseAction::Requeue, at(6)).await, Guarded::Conflict);
        assert_eq!(give_back(store, id, ReleaseAction::SplitTargets, at(6)).await, Guarded::Conflict);
        assert_eq!(release(store, id).await, Guarded::Conflict);
        assert_eq!(settle(store, id, &[url(0)], at(6)).await, Guarded::Conflict);
        assert_eq!(store.postpone(id, at(9)).await.expect("an outcome"), Guarded::Conflict);
        assert_eq!(store.targets(id).await.expect("targets"), []);
    }
    let after = (job(store, &kept).await, items(store, &kept).await, events(store, &kept).await.len());
    assert_eq!(before, after);
}

/// A provider that is down for hours is one fact, not a thousand.
pub async fn an_outage_is_told_once(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    for _ in 0..20 {
        let claim = batch(store, lane, 10, at(2)).await;
        give_back(store, claim.submission, ReleaseAction::Requeue, at(3)).await;
    }
    use EventKind::{Accepted, Claimed, Finished, Released, Settled, Submitted};
    assert_eq!(kinds(store, &kept).await, [Accepted, Claimed, Released]);
    let claim = batch(store, lane, 10, at(4)).await;
    release(store, claim.submission).await;
    assert_eq!(kinds(store, &kept).await[3..], [Released], "another cause is another fact");
    let last = travelling(store, lane, 10, at(5)).await;
    settle(store, last.submission, &[], at(6)).await;
    assert_eq!(kinds(store, &kept).await[4..], [Submitted, Settled, Finished]);
    let told = events(store, &kept).await;
    assert_eq!(told[4].submission, Some(last.submission));
}
