//! Looks at the edge: which jobs want one, at which targets, and what was seen.

use refreshd::domain::{
    HttpObservation, ItemId, ItemOperation, ObservedResponse, Proof, Target, TargetKind, Verification,
};
use refreshd::store::{
    EventKind, HostScan, ItemVerdict, ItemVerification, Job, NewJob, PartState, RowRetry, Store, VerificationRecord,
};

use super::fixtures::{
    at, do_all, events, failed_target, items, job, keep, kinds, lane_of, part, purge, refresh, states, travelling, url,
};

fn verified(job: NewJob) -> NewJob {
    NewJob { verify: true, ..job }
}

fn verdict(item: ItemId, verification: Verification, reason: &str) -> ItemVerdict {
    ItemVerdict { item, verification, reason: reason.to_owned(), proof: None }
}

fn proof() -> Proof {
    let side = |status| ObservedResponse {
        at: at(3),
        address: None,
        look: HttpObservation { status, ..HttpObservation::default() },
    };
    Proof { origin: side(200), edges: vec![side(404)] }
}

async fn due(store: &dyn Store, now: i64) -> (Vec<(Job, u32)>, Option<i64>) {
    let (due, next) = store.due_verifications(10, at(now)).await.expect("jobs");
    let mut jobs = Vec::new();
    for due in due {
        let job = store.job(due.id, None).await.expect("readable").expect("a job");
        assert_eq!((job.row, job.finished_at), (due.job, Some(due.finished_at)));
        jobs.push((job, due.looks));
    }
    (jobs, next.map(|next| next.as_millis() - at(0).as_millis()))
}

pub async fn a_finished_job_wants_a_look(store: &dyn Store) {
    let kept = keep(store, verified(refresh(0..2, 0..0)), at(1)).await;
    keep(store, purge(0..1), at(1)).await;
    let lanes = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 2).await);
    do_all(store, lanes.0, at(2)).await;
    assert_eq!(due(store, 9).await, (vec![], None), "not while an item is open");
    assert_eq!(items(store, &kept).await[0].verification, Verification::Pending);
    do_all(store, lanes.1, at(3)).await;
    let (jobs, _) = due(store, 3).await;
    assert_eq!((jobs.len(), jobs[0].0.id, jobs[0].1), (1, kept.id, 0));
    let samples = store.sample_succeeded_items(kept.row, 9).await.expect("samples");
    assert_eq!(samples.len(), 4);
    let proof = proof();
    let old = ItemVerdict { proof: Some(proof.clone()), ..verdict(samples[0].item, Verification::Stale, "old") };
    let seen = VerificationRecord { verdicts: vec![old], repurged: None, end: Err(at(50)) };
    store.record_verification(kept.row, seen, at(4)).await.expect("a record");
    assert_eq!(due(store, 49).await, (vec![], Some(50)));
    let (jobs, next) = due(store, 50).await;
    assert_eq!((jobs.len(), jobs[0].1, next), (1, 1, None));
    let stale = items(store, &kept).await.remove(0);
    assert_eq!(stale.verification, Verification::Stale);
    let told = ItemVerification { at: at(4), reason: "old".to_owned(), proof: Some(proof) };
    assert_eq!(stale.seen, Some(told));
    let all = |seen: Verification| samples.iter().map(|sample| verdict(sample.item, seen, "new")).collect();
    let end = Ok((Verification::Fresh, "2 of 2".to_owned()));
    let seen = VerificationRecord { verdicts: all(Verification::Fresh), repurged: None, end };
    let before = job(store, &kept).await;
    store.record_verification(kept.row, seen, at(51)).await.expect("a record");
    let after = job(store, &kept).await;
    assert_eq!(
        (after.verification, after.counts, after.finished_at),
        (Verification::Fresh, before.counts, Some(at(3)))
    );
    assert!(after.version > before.version);
    assert!(items(store, &kept).await.iter().all(|item| item.verification == Verification::Fresh));
    assert_eq!(due(store, 99).await, (vec![], None));
    let told = events(store, &kept).await.pop().expect("an event");
    assert_eq!((told.kind, told.message.as_str(), told.at), (EventKind::Verified, "2 of 2", at(51)));
}

pub async fn what_is_due_behind_a_pile_of_one_host_is_found_by_host(store: &dyn Store) {
    // By host and place, so that names and moments are in different orders; those of c are not due yet.
    for (host, count, moment) in [("d", 2, 2), ("a", 30, 3), ("c", 1, 99), ("b", 1, 4)] {
        for number in 0..count {
            let url = format!("https://{host}.example/{number}");
            let target = Target::parse(TargetKind::Url, &url).expect("valid");
            let other = Target::parse(TargetKind::Url, "https://z.example/").expect("valid");
            let parts = vec![part(ItemOperation::Purge, PartState::Due, vec![other, target])];
            let kept = keep(store, verified(NewJob { parts, ..purge(0..0) }), at(1)).await;
            do_all(store, lane_of(store, &kept, 0).await, at(1)).await;
            let seen =
                VerificationRecord { verdicts: vec![], repurged: None, end: Err(at(moment + i64::from(number))) };
            store.record_verification(kept.row, seen, at(1)).await.expect("a record");
        }
    }
    let walk = async |after: &str, hosts: u32, each: u32| {
        let walk = HostScan { after: after.to_owned(), hosts, each };
        let (due, on) = store.due_verifications_by_host(walk, at(50)).await.expect("readable");
        let names: Vec<String> = due.iter().map(|due| due.host.replace(".example", "")).collect();
        (names.join(""), on.map(|host| host.replace(".example", "")))
    };
    let on = |host: &str| Some(host.to_owned());
    assert_eq!(walk("", 9, 3).await, ("aaabdd".to_owned(), None));
    assert_eq!(walk("", 1, 2).await, ("aa".to_owned(), on("a")));
    assert_eq!(walk("a.example", 2, 2).await, ("b".to_owned(), on("c")));
    assert_eq!(walk("c.example", 2, 1).await, ("d".to_owned(), None));
    assert_eq!(walk("d.example", 2, 1).await, (String::new(), None));
    let (first, _) = store.due_verifications(3, at(50)).await.expect("readable");
    assert_eq!(first.iter().map(|due| due.host.as_str()).collect::<String>(), "d.exampled.examplea.example");
}

pub async fn a_job_without_a_success_is_never_looked_at(store: &dyn Store) {
    let kept = keep(store, verified(purge(0..1)), at(1)).await;
    let claim = travelling(store, lane_of(store, &kept, 0).await, 9, at(2)).await;
    let failed = vec![failed_target(&url(0))];
    store.settle(claim.submission, failed, RowRetry { attempts_max: 0, at: at(3) }, at(3)).await.expect("an outcome");
    assert_eq!(job(store, &kept).await.verification, Verification::Unknown);
    let expired = keep(store, NewJob { deadline: Some(at(5)), ..verified(purge(0..1)) }, at(4)).await;
    store.fire_timers(at(5)).await.expect("a look");
    assert_eq!(job(store, &expired).await.verification, Verification::Unknown);
    assert_eq!(due(store, 99).await, (vec![], None));
}

/// Whichever items succeeded, some of them are looked at, from all over the job.
pub async fn a_sample_is_even_and_never_empty(store: &dyn Store) {
    for (step, limit) in [(2, 5), (3, 7), (10, 1), (1, 50), (2, 1_000)] {
        let kept = keep(store, verified(purge(0..100)), at(1)).await;
        let lane = lane_of(store, &kept, 0).await;
        let claim = travelling(store, lane, 1_000, at(2)).await;
        // Every `step`-th one succeeds, and never the first of a run.
        let failed = (0..100).filter(|n| n % step != step - 1).map(|n| failed_target(&url(n))).collect();
        store
            .settle(claim.submission, failed, RowRetry { attempts_max: 0, at: at(3) }, at(3))
            .await
            .expect("an outcome");
        let sample = store.sample_succeeded_items(kept.row, limit).await.expect("a sample");
        assert_eq!(
            sample,
            store.sample_succeeded_items(kept.row, limit).await.expect("a sample"),
            "the same ones every time"
        );
        let states = states(store, &kept).await;
        let first = items(store, &kept).await[0].id.0;
        let places: Vec<usize> =
            sample.iter().map(|sample| usize::try_from(sample.item.0 - first).expect("an item of the job")).collect();
        assert!(places.iter().all(|place| states.as_bytes()[*place] == b's'), "{places:?}");
        let succeeded = 100 / step;
        let wanted = (succeeded as usize).min(limit as usize);
        assert!(places.len() * 2 >= wanted && places.len() <= limit as usize, "{} of {wanted}", places.len());
        let widest = places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        assert!(
            limit == 1 || 100 - places[places.len() - 1] <= widest.max(step as usize) * 2,
            "to the end: {places:?}"
        );
    }
}

pub async fn only_the_first_verdict_counts(store: &dyn Store) {
    let kept = keep(store, verified(purge(0..2)), at(1)).await;
    do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
    let item: ItemId = items(store, &kept).await[0].id;
    let seen = |verification, end| VerificationRecord {
        verdicts: vec![verdict(item, verification, "seen")],
        repurged: None,
        end,
    };
    let fresh = seen(Verification::Fresh, Ok((Verification::Fresh, "fresh".to_owned())));
    store.record_verification(kept.row, fresh, at(3)).await.expect("a record");
    let before = (job(store, &kept).await, items(store, &kept).await, kinds(store, &kept).await);
    for end in [Ok((Verification::Stale, "stale".to_owned())), Err(at(99))] {
        store.record_verification(kept.row, seen(Verification::Stale, end), at(4)).await.expect("a record");
    }
    let after = (job(store, &kept).await, items(store, &kept).await, kinds(store, &kept).await);
    assert_eq!(before, after);
}

/// Whoever reads an item is not left to wait for a look that nobody will take.
pub async fn what_was_not_looked_at_is_unknown_when_the_verdict_is_known(store: &dyn Store) {
    let seen = async |kept: &Job| -> Vec<Verification> {
        items(store, kept).await.iter().map(|item| item.verification).collect()
    };
    let kept = keep(store, verified(purge(0..2)), at(1)).await;
    let unasked = keep(store, purge(5..6), at(1)).await;
    do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
    assert_eq!(seen(&kept).await, [Verification::Pending; 2]);
    let verdicts = vec![verdict(items(store, &kept).await[1].id, Verification::Fresh, "new")];
    let end = Ok((Verification::Fresh, "1 of 1".to_owned()));
    store
        .record_verification(kept.row, VerificationRecord { verdicts, repurged: None, end }, at(3))
        .await
        .expect("a record");
    assert_eq!(seen(&kept).await, [Verification::Unknown, Verification::Fresh]);
    assert_eq!(seen(&unasked).await, [Verification::None]);
}

/// A second purge is told in the history of the job that it is for, once, just before or after its verdict.
pub async fn a_second_purge_is_told_with_the_verdict(store: &dyn Store) {
    let kept = keep(store, verified(purge(0..1)), at(1)).await;
    do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
    for _ in 0..2 {
        let end = Ok((Verification::Stale, "old".to_owned()));
        let seen = VerificationRecord { verdicts: vec![], repurged: Some("by another".to_owned()), end };
        store.record_verification(kept.row, seen, at(3)).await.expect("a record");
    }
    let told = events(store, &kept).await;
    let last: Vec<_> = told.iter().rev().take(2).map(|event| (event.kind, event.message.as_str())).collect();
    assert_eq!(last, [(EventKind::Repurged, "by another"), (EventKind::Verified, "old")]);
    assert_eq!(told.iter().filter(|event| event.kind == EventKind::Repurged).count(), 1);
}

pub async fn urls_below_a_directory_are_known_from_jobs_of_late(store: &dyn Store) {
    let target = |kind, text: &str| Target::parse(kind, text).expect("valid");
    let known = async |directory: &str, limit| -> Vec<Target> {
        let directory = target(TargetKind::Directory, directory);
        store.recent_urls_below(&directory, limit).await.expect("readable")
    };
    let directory = "https://www.example.com/";
    assert_eq!(known(directory, 5).await, Vec::<Target>::new());
    keep(store, purge(0..2), at(1)).await;
    keep(store, purge(1..2), at(2)).await;
    assert_eq!(known(directory, 5).await, [url(1), url(0)], "each once, the newest first");
    assert_eq!(known(directory, 1).await, [url(1)]);
    assert_eq!(known("https://elsewhere.example/", 5).await, Vec::<Target>::new());
    assert_eq!(known(&format!("{directory}below/"), 5).await, Vec::<Target>::new());
}
