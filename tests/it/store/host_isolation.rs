//! Which targets share a call: hosts that the provider refused go apart, and a lost call holds its targets.

use refreshd::domain::{ErrorClass, Failure, Priority, Target, TargetKind, WaitingReason};
use refreshd::store::{
    CallSequence, Claim, Grant, Guarded, Job, NewJob, OnlineHosts, ReleaseAction, Store, SuspendedHost,
};

use super::fixtures::{
    accept, at, batch, claim, give_back, items, keep, kinds, lane, lane_of, numbers, part, purge, settle, states,
    travelling, url,
};
use refreshd::domain::{ItemOperation, LaneId, SubmissionId};
use refreshd::store::{EventKind, JobPart, PartState};

fn on(host: &str, number: u32) -> Target {
    Target::parse(TargetKind::Url, &format!("https://{host}.example.com/{number}.js")).expect("a URL")
}

fn of(targets: Vec<Target>) -> NewJob {
    NewJob { parts: vec![part(ItemOperation::Purge, PartState::Due, targets)], ..purge(0..1) }
}

fn hosts(claim: &Claim) -> String {
    let mut hosts: Vec<&str> = claim.targets.iter().filter_map(|target| target.host().split('.').next()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts.join(" ")
}

fn suspect(host: &str, refused: SubmissionId, until: i64) -> SuspendedHost {
    let failure = Failure::new(ErrorClass::DomainState, "CdnHostIsNotOnline", "the domain is offline");
    SuspendedHost { host: format!("{host}.example.com"), refused, until: at(until), failure }
}

async fn claim_without(store: &dyn Store, lane: LaneId, suspects: &[SuspendedHost], now: i64) -> Option<Claim> {
    let grant = Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max: 10,
        non_urgent_max: u32::MAX,
        bytes_max: 1 << 20,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: suspects.to_vec(),
        shares: vec![],
    };
    store.claim(grant, at(now)).await.expect("a claim")
}

async fn mixed(store: &dyn Store) -> (Job, LaneId) {
    let targets = [("a", 1), ("d", 1), ("b", 1), ("a", 2), ("c", 1), ("d", 2), ("a", 3), ("a", 4)];
    let targets = targets.map(|(host, number)| on(host, number)).to_vec();
    let kept = keep(store, of(targets), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    (kept, lane)
}

pub async fn a_refused_host_is_found_by_hosts_and_not_by_targets(store: &dyn Store) {
    let (kept, lane) = mixed(store).await;
    let all = batch(store, lane, 10, at(2)).await;
    give_back(store, all.submission, ReleaseAction::SplitHosts, at(3)).await;
    let (first, second) = (batch(store, lane, 10, at(4)).await, batch(store, lane, 10, at(4)).await);
    assert_eq!((hosts(&first).as_str(), hosts(&second).as_str()), ("a b", "c d"));
    give_back(store, second.submission, ReleaseAction::SplitHosts, at(5)).await;
    let (third, fourth) = (batch(store, lane, 10, at(6)).await, batch(store, lane, 10, at(6)).await);
    assert_eq!((hosts(&third).as_str(), hosts(&fourth).as_str()), ("c", "d"));
    give_back(store, fourth.submission, ReleaseAction::Fail, at(7)).await;
    assert_eq!(states(store, &kept).await, "tftttftt");
    assert_eq!(kinds(store, &kept).await.last(), Some(&EventKind::Failed));
    assert!(items(store, &kept).await[1].failure.is_some());
}

pub async fn a_parked_host_waits_apart_and_holds_nobody_up(store: &dyn Store) {
    let (kept, lane) = mixed(store).await;
    let alone = keep(store, of(vec![on("d", 7)]), at(1)).await;
    let all = batch(store, lane, 10, at(2)).await;
    give_back(store, all.submission, ReleaseAction::Requeue, at(2)).await;
    // As if the first call had been for this host alone.
    let parked = [suspect("d", all.submission, 100)];
    let others = claim_without(store, lane, &parked, 3).await.expect("a batch");
    assert_eq!(hosts(&others), "a b c");
    assert_eq!((states(store, &kept).await.as_str(), states(store, &alone).await.as_str()), ("twtttwtt", "w"));
    let example = store.example_pending_item(kept.row, at(3)).await.expect("readable").expect("an item");
    assert_eq!(example.failure.expect("evidence").code, "code", "what the refused call was told");
    assert_eq!(example.state, PartState::Delayed(at(100)));
    assert!(claim_without(store, lane, &parked, 4).await.is_none());
    store.fire_timers(at(100)).await.expect("a look");
    let fresh = keep(store, of(vec![on("a", 9), on("d", 9)]), at(100)).await;
    let probe = claim_without(store, lane, &parked, 101).await.expect("a batch");
    assert_eq!((hosts(&probe).as_str(), probe.targets.len()), ("d", 3), "what was parked is tried by itself");
    let next = claim_without(store, lane, &parked, 101).await.expect("a batch");
    assert_eq!(hosts(&next), "d", "what came since is taken out of open company");
    assert_eq!(states(store, &fresh).await, "dt");
    let last = claim_without(store, lane, &parked, 101).await.expect("a batch");
    assert_eq!((hosts(&last).as_str(), states(store, &fresh).await.as_str()), ("a", "tt"));
}

pub async fn what_a_refused_host_sent_waits_until_it_is_told(store: &dyn Store) {
    let kept = keep(store, of(vec![on("d", 1), on("d", 2)]), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let refused = batch(store, lane, 10, at(2)).await;
    give_back(store, refused.submission, ReleaseAction::Park { until: at(50) }, at(3)).await;
    assert_eq!(
        (states(store, &kept).await.as_str(), kinds(store, &kept).await.last()),
        ("ww", Some(&EventKind::Released))
    );
    assert_eq!(store.next_timer().await.expect("a moment"), Some(at(50)));
    store.fire_timers(at(50)).await.expect("a look");
    let other = keep(store, purge(0..1), at(50)).await;
    assert_eq!(batch(store, lane, 10, at(51)).await.targets, [on("d", 1), on("d", 2)]);
    assert_eq!((states(store, &kept).await.as_str(), states(store, &other).await.as_str()), ("tt", "d"));
}

pub async fn a_cancelled_job_is_not_parked(store: &dyn Store) {
    let kept = keep(store, of(vec![on("d", 1)]), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let refused = batch(store, lane, 10, at(2)).await;
    assert_eq!(store.cancel(kept.row, at(3)).await.expect("an outcome"), Guarded::Done);
    give_back(store, refused.submission, ReleaseAction::Park { until: at(50) }, at(4)).await;
    assert_eq!(states(store, &kept).await, "c");
    assert_eq!(store.next_timer().await.expect("a moment"), None);
}

/// Law 4: the targets of a call without an answer are held, and nothing else is.
pub async fn a_target_without_an_answer_holds_its_equals_and_nobody_else(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let lost = batch(store, lane, 10, at(2)).await;
    let failure = Failure::new(ErrorClass::Lost, "timeout", "no answer");
    store.mark_ambiguous(lost.submission, failure, at(3), at(3)).await.expect("an outcome");
    let later = keep(store, purge(1..4), at(4)).await;
    assert_eq!(numbers(&batch(store, lane, 10, at(5)).await), ["2", "3"]);
    assert_eq!(states(store, &later).await, "wtt");
    let example = store.example_pending_item(later.row, at(5)).await.expect("readable").expect("an item");
    assert_eq!(example.wait.map(|(reason, _)| reason), Some(WaitingReason::Reconciling));
    store.fire_timers(at(2_000)).await.expect("a look");
    assert!(claim(store, lane, 10, at(2_000)).await.is_none(), "still not known");
    store.accept(lost.submission, "found", None, at(2_001), at(2_001)).await.expect("an outcome");
    store.fire_timers(at(4_000)).await.expect("a look");
    assert_eq!(numbers(&batch(store, lane, 10, at(4_000)).await), ["1"], "the content may have changed since");
    settle(store, lost.submission, &[url(9)], at(4_001)).await;
    assert_eq!((states(store, &kept).await.as_str(), states(store, &later).await.as_str()), ("ss", "ttt"));
}

async fn proved(store: &dyn Store, hosts: &[&str]) -> LaneId {
    let targets = hosts.iter().map(|host| on(host, 0)).collect();
    let kept = keep(store, of(targets), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let sent = travelling(store, lane, 1_000, at(1)).await;
    settle(store, sent.submission, &[], at(1)).await;
    lane
}

/// What a lane sends until nothing is due: the hosts of each call, and whether it went apart.
async fn sent(store: &dyn Store, lane: LaneId, targets_max: u32) -> Vec<(String, bool)> {
    let mut sent = Vec::new();
    while let Some(claim) = claim(store, lane, targets_max, at(3)).await {
        sent.push((hosts(&claim), claim.isolated));
    }
    sent
}

pub async fn proved_hosts_go_together_in_full_batches(store: &dyn Store) {
    let lane = proved(store, &["a", "b"]).await;
    let targets = (0..95).map(|n| on(["a", "b"][n as usize % 2], n + 1)).chain((0..9).map(|n| on("new", n))).collect();
    keep(store, of(targets), at(2)).await;
    let sent = sent(store, lane, 10).await;
    let open: Vec<_> = sent.iter().filter(|(_, apart)| !apart).collect();
    assert_eq!((open.len(), open[9].0.as_str()), (10, "a b"), "ninety-five by ten, and no call more");
    assert_eq!(sent.iter().filter(|(_, apart)| *apart).collect::<Vec<_>>(), [&("new".to_owned(), true)]);
}

pub async fn hosts_that_the_provider_lists_as_online_need_no_proof(store: &dyn Store) {
    let lane = proved(store, &["a"]).await;
    keep(store, of(vec![on("a", 1), on("listed", 1), on("new", 1)]), at(2)).await;
    let grant = Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max: 10,
        non_urgent_max: u32::MAX,
        bytes_max: 1 << 20,
        online_hosts: OnlineHosts::new(["listed.example.com".to_owned()].into()),
        suspended_hosts: vec![],
        shares: vec![],
    };
    let first = store.claim(grant, at(3)).await.expect("a claim").expect("a batch");
    assert_eq!((hosts(&first).as_str(), first.isolated), ("a listed", false));
    assert_eq!(sent(store, lane, 10).await, [("new".to_owned(), true)]);
}

pub async fn unproved_hosts_go_few_together(store: &dyn Store) {
    let lane = proved(store, &["a"]).await;
    let strangers = (0..1_000).map(|n| on(&format!("s{n:03}"), 1));
    keep(store, of(strangers.chain([on("a", 1)]).collect()), at(2)).await;
    let sent = sent(store, lane, 1_000).await;
    assert_eq!(
        sent.iter().filter(|(_, apart)| *apart).count(),
        32,
        "not a thousand calls, and no more than so many to look in"
    );
    assert!(sent.iter().filter(|(_, apart)| *apart).all(|(hosts, _)| hosts.split(' ').count() <= 32));
    let place = sent.iter().position(|(hosts, _)| hosts == "a").expect("the proved one");
    assert!(place <= 1, "it does not wait for strangers: {place}");
}

pub async fn a_host_is_proved_by_a_call_and_doubted_by_a_refusal(store: &dyn Store) {
    let lane = proved(store, &["a", "b"]).await;
    let next = async |n: u32| {
        keep(store, of(vec![on("a", n), on("b", n)]), at(2)).await;
        batch(store, lane, 10, at(3)).await
    };
    let both = next(1).await;
    assert_eq!((hosts(&both).as_str(), both.isolated), ("a b", false));
    keep(store, of(vec![on("b", 2)]), at(4)).await;
    let refused = batch(store, lane, 10, at(4)).await;
    give_back(store, refused.submission, ReleaseAction::Fail, at(5)).await;
    assert_eq!(sent(store, lane, 10).await, []);
    keep(store, of(vec![on("a", 3), on("b", 3)]), at(6)).await;
    let mut calls = sent(store, lane, 10).await;
    calls.sort();
    assert_eq!(calls, [("a".to_owned(), false), ("b".to_owned(), true)]);
}

pub async fn urgent_work_waits_for_no_proof(store: &dyn Store) {
    let lane = proved(store, &["a"]).await;
    let urgent = |targets| NewJob { priority: Priority::Urgent, ..of(targets) };
    keep(store, of((1..20).map(|n| on("a", n)).chain((1..20).map(|n| on("new", n))).collect()), at(2)).await;
    keep(store, urgent(vec![on("a", 30), on("new", 30)]), at(2)).await;
    let (first, second) = (batch(store, lane, 10, at(3)).await, batch(store, lane, 10, at(3)).await);
    assert!(first.targets.len() == 1 || second.targets.len() == 1, "nobody takes the place of urgent work");
    let mut left: Vec<_> = first.targets.into_iter().chain(second.targets).collect();
    left.retain(|target| [on("a", 30), on("new", 30)].contains(target));
    assert_eq!(left.len(), 2);
}

pub async fn a_pile_of_a_parked_host_does_not_hold_up_who_may_go(store: &dyn Store) {
    let free = keep(store, NewJob { priority: Priority::Urgent, ..of(vec![on("a", 1)]) }, at(1)).await;
    let pile = keep(store, of((0..500).map(|number| on("d", number)).collect()), at(1)).await;
    let lane = lane_of(store, &free, 0).await;
    // A claim looks at 16 times ten of the pile, and then takes whom it saw.
    let claim = claim_without(store, lane, &[suspect("d", SubmissionId(1), 1_000)], 2).await.expect("a claim");
    assert_eq!((hosts(&claim).as_str(), claim.targets.len()), ("a", 1));
    assert!(states(store, &pile).await.contains('d'), "the pile is not set aside yet");
}

/// Law 8: by a turn that lanes shared, one of two would always have it and the other never.
pub async fn lanes_that_are_claimed_in_step_have_turns_of_their_own(store: &dyn Store) {
    let mut lanes = Vec::new();
    for account in ["one", "other"] {
        let lane = lane(account, ItemOperation::Purge, TargetKind::Url);
        let of = |targets| NewJob { parts: vec![JobPart { lane: lane.clone(), ..part_of(targets) }], ..purge(0..1) };
        let kept = keep(store, of(vec![on("a", 0)]), at(1)).await;
        let id = lane_of(store, &kept, 0).await;
        let first = batch(store, id, 1, at(1)).await;
        accept(store, first.submission, account, at(1)).await;
        keep(store, of((1..30).flat_map(|n| [on("a", n), on(&format!("s{n:02}"), n)]).collect()), at(2)).await;
        lanes.push(id);
    }
    let mut apart = [Vec::new(), Vec::new()];
    for turn in 0..8 {
        for (lane, apart) in lanes.iter().zip(&mut apart) {
            apart.push(claim_in_turn(store, *lane, CallSequence(turn)).await.isolated);
        }
    }
    let every_second = [false, true, false, true, false, true, false, true];
    assert_eq!(apart, [every_second, every_second], "who is unproved takes turns with who is proved, in each lane");
}

fn part_of(targets: Vec<Target>) -> JobPart {
    part(ItemOperation::Purge, PartState::Due, targets)
}

async fn claim_in_turn(store: &dyn Store, lane: LaneId, turn: CallSequence) -> Claim {
    let grant = Grant {
        lane,
        sequence: turn,
        targets_max: 2,
        non_urgent_max: u32::MAX,
        bytes_max: 1 << 20,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: vec![],
        shares: vec![],
    };
    store.claim(grant, at(3)).await.expect("a claim").expect("a batch")
}
