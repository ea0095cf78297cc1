//! What a diagnosis begins with, and how long it is kept.

use refreshd::domain::{DiagnosisId, ErrorClass, ItemState, JobId, TenantName, Verification};
use refreshd::random::Random;
use refreshd::store::{
    ItemVerdict, Job, NewJob, RelevantItem, RetentionCutoff, Store, StoredDiagnosis, VerificationRecord,
};

use super::fixtures::{
    at, claim, do_all, failed_target, items, job, keep, lane_of, purge, refresh, settle, travelling, url,
};

async fn telling(store: &dyn Store, job: &Job) -> RelevantItem {
    store.most_relevant_item(job.row, None).await.expect("readable").expect("an item")
}

pub async fn the_item_that_tells_most_is_found(store: &dyn Store) {
    let kept = keep(store, NewJob { verify: true, ..purge(0..6) }, at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    assert_eq!(telling(store, &kept).await.item.target, url(0), "the first, if none tells more");
    // Two are done, then two travel and two wait: those that wait tell more.
    do_all_of_two(store, &kept, &[]).await;
    let sent = travelling(store, lane, 2, at(5)).await;
    let told = telling(store, &kept).await;
    assert_eq!((told.item.target, told.item.state, told.sent_at), (url(4), ItemState::Pending, None));
    assert_eq!(told.lane, super::fixtures::lane("main", told.item.operation, url(4).kind()));
    // One of the two fails for good: that tells most, with the call it travelled in.
    let retry = refreshd::store::RowRetry { attempts_max: 1, at: at(9) };
    store.settle(sent.submission, vec![failed_target(&url(3))], retry, at(6)).await.expect("settled");
    let told = telling(store, &kept).await;
    assert_eq!((told.item.target, told.item.state, told.sent_at), (url(3), ItemState::Failed, Some(at(5))));
    assert_eq!(told.failures.len(), 1);
    assert_eq!((told.failures[0].0, told.failures[0].2), (failed_target(&url(3)).failure.class, 1));
    assert_ne!(told.failures[0].0, ErrorClass::Internal);
    // Asked for by its target it is that one, whatever the others went through.
    let one = store.most_relevant_item(kept.row, Some(&url(0))).await.expect("readable").expect("an item");
    assert_eq!((one.item.target, one.item.state), (url(0), ItemState::Succeeded));
    assert_eq!(store.most_relevant_item(kept.row, Some(&url(99))).await.expect("readable"), None);
    // Stale tells more than what waits, and unknown more than nothing.
    let seen = keep(store, NewJob { verify: true, ..purge(20..23) }, at(10)).await;
    do_all(store, lane, at(11)).await;
    let listed = items(store, &seen).await;
    let verdict = |place: usize, verification| ItemVerdict {
        item: listed[place].id,
        verification,
        reason: "seen".to_owned(),
        proof: None,
    };
    for (verdicts, expected) in [
        (vec![verdict(1, Verification::Unknown)], 1),
        (vec![verdict(1, Verification::Unknown), verdict(2, Verification::Stale)], 2),
    ] {
        let look = VerificationRecord { verdicts, repurged: None, end: Err(at(50)) };
        store.record_verification(seen.row, look, at(12)).await.expect("recorded");
        assert_eq!(telling(store, &seen).await.item.target, listed[expected].target);
    }
    // A job of another's targets is not looked into.
    let other = keep(store, refresh(30..31, 0..0), at(13)).await;
    assert_eq!(telling(store, &other).await.item.target, url(30));
    assert!(claim(store, lane, 9, at(14)).await.is_some());
}

/// Sends the next two targets of the job's lane and settles them.
async fn do_all_of_two(store: &dyn Store, job: &Job, failed: &[refreshd::domain::Target]) {
    let lane = lane_of(store, job, 0).await;
    let sent = travelling(store, lane, 2, at(2)).await;
    settle(store, sent.submission, failed, at(3)).await;
}

fn diagnosis(tenant: &str, job: Option<(JobId, i64)>, millis: i64) -> StoredDiagnosis {
    StoredDiagnosis {
        id: Random::default().diagnosis_id(at(0)),
        tenant: TenantName::new(tenant),
        job,
        body: format!("{{\"at\":{millis},\"text\":\"ü\"}}"),
        created_at: at(millis),
    }
}

pub async fn a_diagnosis_is_its_tenants_and_its_jobs_newest_is_found(store: &dyn Store) {
    let kept = keep(store, purge(0..1), at(1)).await;
    let (own, other) = (TenantName::new("web"), TenantName::new("shop"));
    let bare = diagnosis("shop", None, 2);
    let (first, second) =
        (diagnosis("web", Some((kept.id, kept.version)), 3), diagnosis("web", Some((kept.id, kept.version + 1)), 4));
    assert_eq!(store.newest_diagnosis(kept.id).await.expect("readable"), None);
    for made in [&bare, &first, &second] {
        store.insert_diagnosis(made.clone()).await.expect("kept");
        for (tenant, sees) in [(Some(&own), made.tenant == own), (Some(&other), made.tenant == other), (None, true)] {
            let found = store.diagnosis(made.id, tenant).await.expect("readable");
            assert_eq!(found, sees.then(|| made.clone()), "{tenant:?}");
        }
    }
    assert_eq!(store.newest_diagnosis(kept.id).await.expect("readable"), Some(second));
    assert_eq!(store.diagnosis(DiagnosisId::from_u128(7), None).await.expect("readable"), None);
    assert_eq!(job(store, &kept).await, kept, "the job is not touched");
}

pub async fn outdated_diagnoses_go_a_few_at_a_time(store: &dyn Store) {
    let mut all = Vec::new();
    for millis in 1..=10 {
        all.push(diagnosis("web", None, millis));
        store.insert_diagnosis(all[all.len() - 1].clone()).await.expect("kept");
    }
    let left = || async {
        let mut left = String::new();
        for one in &all {
            let is_there = store.diagnosis(one.id, None).await.expect("readable").is_some();
            left.push(if is_there { 'x' } else { '.' });
        }
        left
    };
    let forget = async |before: i64, newest: u32, limit: u32| {
        store.delete_expired_diagnoses(RetentionCutoff { before: at(before), newest }, limit).await.expect("forgotten")
    };
    assert_eq!((forget(1, 10, 5).await, left().await), (0, "xxxxxxxxxx".to_owned()));
    assert_eq!((forget(3, 10, 1).await, left().await), (1, ".xxxxxxxxx".to_owned()), "one at a time, by age");
    assert_eq!((forget(3, 10, 5).await, left().await), (1, "..xxxxxxxx".to_owned()));
    assert_eq!((forget(0, 5, 2).await, left().await), (2, "....xxxxxx".to_owned()), "two at a time, by number");
    assert_eq!((forget(0, 5, 2).await, left().await), (1, ".....xxxxx".to_owned()));
    assert_eq!(forget(0, 5, 2).await, 0);
}
