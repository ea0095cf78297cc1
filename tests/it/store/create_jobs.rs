//! Keeping jobs: whole, once, and each apart from the others.

use std::collections::{BTreeMap, HashSet};

use futures_util::future::join_all;
use refreshd::domain::{Area, ItemOperation, ItemState, JobStatus, Priority, TenantName, Verification, Warning};
use refreshd::store::{Creation, EventKind, IdempotencyKey, JobFilter, JobPart, NewJob, PartState, Store, StoreError};

use super::fixtures::{ALL, at, events, items, job, keep, lane, purge, refresh, states, url};

fn key(name: &str, body: u8) -> Option<IdempotencyKey> {
    Some(IdempotencyKey { key: name.to_owned(), fingerprint: [body; 32] })
}

pub async fn a_small_job_is_kept_whole(store: &dyn Store) {
    let asked = NewJob {
        priority: Priority::Urgent,
        area: Area::Overseas,
        source: Some("deploy \"7\"".to_owned()),
        labels: BTreeMap::from([("team".to_owned(), "größer \\ 'x'".to_owned())]),
        notify: Some("https://hooks.example.com/".to_owned()),
        not_before: Some(at(5)),
        deadline: Some(at(60_000)),
        merged: 2,
        verify: true,
        ..refresh(0..3, 7..8)
    };
    let kept = keep(store, asked.clone(), at(1)).await;
    assert_eq!(job(store, &kept).await, kept, "what is answered is what is kept");
    assert_eq!(kept.id, asked.id);
    assert_eq!((&kept.labels, &kept.source, kept.merged), (&asked.labels, &asked.source, 2));
    assert_eq!((kept.not_before, kept.deadline, kept.created_at), (asked.not_before, asked.deadline, at(1)));
    assert_eq!((kept.counts.pending, kept.started, kept.finished_at), (7, false, None));
    assert_eq!((kept.area, keep(store, purge(9..10), at(1)).await.area), (Area::Overseas, Area::Own));
    assert_eq!((kept.verification, kept.counts.status(kept.started)), (Verification::Pending, JobStatus::Pending));
    assert_eq!(states(store, &kept).await, "ddddbbb");
    let items = items(store, &kept).await;
    let targets: Vec<&str> = items.iter().map(|item| item.target.as_str()).collect();
    let url = |n| format!("https://www.example.com/{n}.js");
    assert_eq!(targets, [&url(0), &url(1), &url(2), "https://www.example.com/7/", &url(0), &url(1), &url(2)]);
    let prefetches = items.iter().filter(|item| item.operation == ItemOperation::Prefetch).count();
    assert_eq!(prefetches, 3);
    assert!(items.iter().all(|item| item.attempts == 0 && item.failure.is_none() && item.task_id.is_none()));
    let events = events(store, &kept).await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].items, events[0].at), (EventKind::Accepted, Some(7), at(1)));
}

pub async fn what_is_told_of_a_job_is_kept_with_it(store: &dyn Store) {
    let told = |n: u32, detail: &str| Warning {
        code: "case_ignored".to_owned(),
        detail: detail.to_owned(),
        pointer: format!("/urls/{n}"),
    };
    let small = NewJob { warnings: vec![told(0, "größer \\ \"x\" '{hosts 2};'"), told(1, "")], ..purge(0..2) };
    let large = NewJob { warnings: (0..101).map(|n| told(n, &"x".repeat(300))).collect(), ..purge(10..40) };
    let drafts = [small, purge(2..3), large];
    // Together, so that they share the statements of a group.
    let kept = join_all(drafts.iter().map(|draft| keep(store, draft.clone(), at(1)))).await;
    for (draft, kept) in drafts.iter().zip(&kept) {
        assert_eq!(kept.warnings, draft.warnings);
        assert_eq!(job(store, kept).await, *kept);
    }
    let listed = store.jobs(None, None, 10).await.expect("jobs");
    let found = store.find_jobs(&JobFilter::default(), None, 10).await.expect("jobs");
    let of_tenant = store.jobs(Some(&kept[0].tenant), None, 10).await.expect("jobs");
    for list in [listed, found, of_tenant] {
        assert_eq!(list.len(), 3);
        assert!(list.iter().all(|job| kept.contains(job)));
    }
}

/// Parts of sixteen targets and more go another way than small ones; a job may have some of each.
pub async fn a_large_job_is_kept_whole(store: &dyn Store) {
    for (small, large) in [(15, 16), (16, 15), (1, 2_000), (16, 16), (15, 15)] {
        let mut asked = purge(0..small);
        let lane = lane("other", ItemOperation::Purge, refreshd::domain::TargetKind::Url);
        let targets = (small..small + large).map(url).collect();
        asked.parts.push(JobPart { lane, state: PartState::Delayed(at(99)), targets });
        let kept = keep(store, asked.clone(), at(1)).await;
        assert_eq!(job(store, &kept).await, kept);
        let items = items(store, &kept).await;
        let expected: Vec<_> = (0..small + large).map(url).collect();
        assert_eq!(items.iter().map(|item| item.target.clone()).collect::<Vec<_>>(), expected);
        assert!(items.iter().all(|item| item.state == ItemState::Pending));
        let (first, rest) = items.split_at(small as usize);
        assert!(first.iter().all(|item| item.lane == first[0].lane && item.delayed_until.is_none()));
        assert!(rest.iter().all(|item| item.lane == rest[0].lane && item.delayed_until == Some(at(99))));
        assert_ne!(first[0].lane, rest[0].lane);
    }
}

pub async fn many_jobs_at_once_are_kept_apart(store: &dyn Store) {
    let drafts: Vec<NewJob> = (0..40)
        .map(|n| NewJob { tenant: TenantName::new(format!("tenant-{}", n % 3)), ..purge(n..n + 1 + n % 20) })
        .collect();
    let created = join_all(drafts.iter().map(|draft| store.create_job(draft.clone(), at(1)))).await;
    let mut seen = HashSet::new();
    for (draft, created) in drafts.iter().zip(created) {
        let Ok(Creation::Created(kept)) = created else { panic!("{created:?}") };
        assert_eq!((kept.id, &kept.tenant), (draft.id, &draft.tenant));
        assert_eq!(job(store, &kept).await, *kept);
        let items = items(store, &kept).await;
        assert_eq!(items.iter().map(|item| item.target.clone()).collect::<Vec<_>>(), draft.parts[0].targets);
        assert!(items.iter().all(|item| seen.insert(item.id)), "an item belongs to one job");
    }
}

pub async fn a_key_used_again_is_answered_by_its_job(store: &dyn Store) {
    let first = keep(store, NewJob { idempotency: key("release-7", 1), ..purge(0..3) }, at(1)).await;
    let again = NewJob { idempotency: key("release-7", 1), ..purge(0..3) };
    assert_eq!(store.create_job(again, at(2)).await.expect("an answer"), Creation::Replayed(first.id));
    let other = NewJob { idempotency: key("release-7", 2), ..purge(0..4) };
    assert_eq!(store.create_job(other, at(3)).await.expect("an answer"), Creation::KeyReused);
    let next = keep(store, NewJob { idempotency: key("release-8", 1), ..purge(0..3) }, at(4)).await;
    assert_ne!(next.id, first.id);
    assert_eq!(store.jobs(None, None, 9).await.expect("jobs").len(), 2, "a replay keeps nothing");
}

pub async fn equal_keys_at_once_make_one_job(store: &dyn Store) {
    let body = |body, urls| NewJob { idempotency: key("release-7", body), ..purge(urls) };
    let drafts = [body(1, 0..2), body(1, 0..2), body(2, 0..20), body(1, 0..2)];
    let answers = join_all(drafts.iter().map(|draft| store.create_job(draft.clone(), at(1)))).await;
    let answers: Vec<Creation> = answers.into_iter().map(|answer| answer.expect("an answer")).collect();
    assert!(matches!(&answers[0], Creation::Created(job) if job.id == drafts[0].id), "{answers:?}");
    assert_eq!(answers[1], Creation::Replayed(drafts[0].id));
    assert_eq!(answers[2], Creation::KeyReused);
    assert_eq!(answers[3], Creation::Replayed(drafts[0].id));
    assert_eq!(store.jobs(None, None, 9).await.expect("jobs").len(), 1);
    assert_eq!(store.job(drafts[1].id, None).await.expect("readable"), None);
}

pub async fn a_key_belongs_to_its_tenant(store: &dyn Store) {
    let of = |tenant: &str| NewJob { tenant: TenantName::new(tenant), idempotency: key("release-7", 1), ..purge(0..1) };
    let answers = join_all(["a", "b", "a"].map(|tenant| store.create_job(of(tenant), at(1)))).await;
    let created: Vec<bool> = answers.iter().map(|answer| matches!(answer, Ok(Creation::Created(_)))).collect();
    assert_eq!(created, [true, true, false]);
    assert!(matches!(store.create_job(of("b"), at(2)).await, Ok(Creation::Replayed(_))));
    assert!(matches!(store.create_job(of("c"), at(2)).await, Ok(Creation::Created(_))));
}

pub async fn a_key_is_forgotten_when_it_is_old_and_its_job_is_final(store: &dyn Store) {
    let named = |name| NewJob { idempotency: key(name, 1), ..purge(0..1) };
    let ended = keep(store, named("ended"), at(1)).await;
    store.cancel(ended.row, at(2)).await.expect("an end");
    keep(store, named("open"), at(1)).await;
    let young = keep(store, named("young"), at(100)).await;
    store.cancel(young.row, at(101)).await.expect("an end");
    assert_eq!(store.delete_expired_keys(at(50), 10).await.expect("a round"), 1);
    assert!(matches!(store.create_job(named("open"), at(200)).await, Ok(Creation::Replayed(_))));
    assert!(matches!(store.create_job(named("young"), at(200)).await, Ok(Creation::Replayed(_))));
    assert!(matches!(store.create_job(named("ended"), at(200)).await, Ok(Creation::Created(_))));
}

/// One command of a group fails; the others are kept, and the names that only the failed one brought are forgotten.
pub async fn a_job_that_exists_already_fails_alone(store: &dyn Store) {
    let there = keep(store, purge(0..2), at(1)).await;
    let elsewhere = |mut job: NewJob| {
        job.tenant = TenantName::new("new");
        job.parts[0].lane = lane("new", ItemOperation::Purge, refreshd::domain::TargetKind::Url);
        job
    };
    let twin = purge(0..1).id;
    let drafts = [
        purge(10..12),
        elsewhere(NewJob { id: there.id, idempotency: key("lost", 1), ..purge(20..40) }),
        elsewhere(NewJob { idempotency: key("lost", 1), ..purge(50..52) }),
        NewJob { id: twin, ..purge(60..61) },
        NewJob { id: twin, ..purge(70..90) },
        purge(95..97),
    ];
    let answers = join_all(drafts.iter().map(|draft| store.create_job(draft.clone(), at(2)))).await;
    let kept: Vec<bool> = answers.iter().map(|answer| matches!(answer, Ok(Creation::Created(_)))).collect();
    assert_eq!(kept, [true, false, true, true, false, true], "{answers:?}");
    assert!(matches!(answers[1], Err(StoreError::Database(_))), "{answers:?}");
    for (draft, kept) in drafts.iter().zip(kept).filter(|(draft, _)| draft.id != there.id) {
        let found = store.job(draft.id, None).await.expect("readable").expect("a job");
        let targets: Vec<_> = items(store, &found).await.into_iter().map(|item| item.target).collect();
        assert_eq!(targets == draft.parts[0].targets, kept);
    }
    assert_eq!(states(store, &there).await, "dd");
    let later = keep(store, elsewhere(purge(0..3)), at(3)).await;
    assert_eq!(store.items(later.row, ALL).await.expect("items").len(), 3);
}

/// Whoever asks again is answered before anybody looks at the body.
pub async fn a_key_tells_its_job_to_its_tenant(store: &dyn Store) {
    let kept = keep(store, NewJob { idempotency: key("release-7", 1), ..purge(0..1) }, at(1)).await;
    let known = async |tenant: &TenantName, name: &str, body: u8| {
        store.find_by_idempotency_key(tenant, &key(name, body).expect("a key")).await.expect("readable")
    };
    assert_eq!(known(&kept.tenant, "release-7", 1).await, Some(Creation::Replayed(kept.id)));
    assert_eq!(known(&kept.tenant, "release-7", 2).await, Some(Creation::KeyReused));
    assert_eq!(known(&kept.tenant, "release-8", 1).await, None);
    assert_eq!(known(&TenantName::new("stranger"), "release-7", 1).await, None);
}
