//! The writer's groups: one commit for all that has arrived, and one command's fault is nobody else's.

use std::path::Path;

use futures_util::future::join_all;
use refreshd::domain::{ItemOperation, Priority, TargetKind, TenantName, Verification};
use refreshd::random::Random;
use refreshd::store::{
    CallSequence, Creation, Grant, Guarded, ItemVerdict, NewJob, OnlineHosts, RowRetry, Store, StoreError,
    VerificationRecord,
};
use tokio::join;

use super::{database, fresh};
use crate::store::fixtures::{
    at, batch, failed_target, items, job, keep, lane, lane_of, purge, refresh, states, travelling, url,
};

/// Commits in the write-ahead log: frames whose header tells the size of the database after them.
fn commits(path: &Path) -> usize {
    let log = std::fs::read(path.with_extension("db-wal")).expect("a write-ahead log");
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let frame = 24 + number(8) as usize;
    let salt = &log[16..24];
    (32..log.len()).step_by(frame).filter(|at| number(at + 4) > 0 && &log[at + 8..at + 16] == salt).count()
}

/// A verdict that the table refuses: a change that fails after it has begun.
fn refused_by_the_table(item: refreshd::domain::ItemId) -> VerificationRecord {
    let verdict = ItemVerdict { item, verification: Verification::None, reason: "no verdict".to_owned(), proof: None };
    VerificationRecord {
        verdicts: vec![verdict],
        repurged: None,
        end: Ok((Verification::Fresh, "not kept".to_owned())),
    }
}

#[tokio::test]
async fn what_arrives_together_is_committed_together() {
    let fresh = fresh().await;
    let store = &fresh.store.store;
    let path = database(&fresh.folder);
    let before = commits(&path);
    let created = join_all((0..30).map(|n| store.create_job(purge(n..n + 3), at(1)))).await;
    assert!(created.iter().all(|created| matches!(created, Ok(Creation::Created(_)))));
    assert_eq!(commits(&path) - before, 1);
    fresh.store.books.balance("a group").await;
}

/// Jobs and changes in one group, two of them bad: the others are kept, with one sync.
#[tokio::test]
async fn in_a_replayed_group_only_the_one_to_blame_fails() {
    let fresh = fresh().await;
    let (store, path) = (&fresh.store.store, database(&fresh.folder));
    let seen = keep(store, NewJob { verify: true, ..purge(0..1) }, at(1)).await;
    let urls = lane_of(store, &seen, 0).await;
    crate::store::fixtures::do_all(store, urls, at(1)).await;
    let item = items(store, &seen).await[0].id;
    let kept = keep(store, refresh(0..4, 0..0), at(2)).await;
    let [one, two, three] = [
        batch(store, urls, 1, at(3)).await.submission,
        travelling(store, urls, 1, at(3)).await.submission,
        travelling(store, urls, 1, at(3)).await.submission,
    ];
    let named = |name: &str, mut job: NewJob| {
        job.tenant = TenantName::new(name);
        job.parts[0].lane = lane(name, ItemOperation::Purge, TargetKind::Url);
        job
    };
    let good = named("new", purge(50..70));
    let bad = named("ghost", NewJob { id: kept.id, ..purge(80..100) });
    let before = commits(&path);
    let grant = Grant {
        lane: urls,
        sequence: CallSequence::default(),
        targets_max: 9,
        non_urgent_max: u32::MAX,
        bytes_max: 9_999,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: Vec::new(),
        shares: Vec::new(),
    };
    let failed = vec![failed_target(&url(2))];
    let retry = RowRetry { attempts_max: 1, at: at(9) };
    let (claimed, accepted, unseen, late, good, settled, bad, undone) = join!(
        store.claim(grant, at(4)),
        store.accept(one, "one", None, at(5), at(4)),
        store.record_verification(seen.row, refused_by_the_table(item), at(4)),
        store.accept(two, "two", None, at(5), at(4)),
        store.create_job(good, at(4)),
        store.settle(three, failed, retry, at(4)),
        store.create_job(bad, at(4)),
        store.settle(two, vec![], retry, at(4)),
    );
    assert_eq!(commits(&path) - before, 1, "one transaction");
    assert_eq!(claimed.expect("a claim").map(|claim| claim.items), Some(1), "the last purge");
    assert_eq!((accepted.expect("done"), late.expect("late")), (Guarded::Done, Guarded::Conflict));
    assert_eq!((settled.expect("done"), undone.expect("done")), (Guarded::Done, Guarded::Done));
    assert!(matches!((unseen, bad), (Err(StoreError::Database(_)), Err(StoreError::Database(_)))));
    let Ok(Creation::Created(good)) = good else { panic!("{good:?}") };
    assert_eq!(states(store, &good).await, "d".repeat(20));
    assert_eq!(states(store, &kept).await, "tsftbdfb");
    let seen = job(store, &seen).await;
    assert_eq!(seen.verification, Verification::Pending, "the verdict went with what failed");
    let ghosts = "select count(*) from tenants join lanes where name = 'ghost' or account = 'ghost'";
    let ghosts: i64 = sqlx::query_scalar(ghosts).fetch_one(fresh.store.books.rows()).await.expect("readable");
    assert_eq!(ghosts, 0, "what the bad job had begun is undone");
    fresh.store.books.balance("a replayed group").await;
    let after = keep(store, NewJob { priority: Priority::Urgent, ..purge(0..3) }, at(5)).await;
    assert_eq!(states(store, &after).await, "ddd");
    fresh.store.books.balance("a job after it").await;
}

/// A job that fails first leaves no number behind that a later one of its group would stumble over.
#[tokio::test]
async fn names_are_found_again_after_a_failure() {
    let fresh = fresh().await;
    let store = fresh.store();
    let there = keep(store, purge(0..1), at(1)).await;
    for round in 0..3 {
        let named = |urls, id| NewJob {
            id,
            tenant: TenantName::new(format!("tenant-{round}")),
            parts: vec![refreshd::store::JobPart {
                lane: lane(&format!("account-{round}"), ItemOperation::Purge, TargetKind::Url),
                ..purge(urls).parts.remove(0)
            }],
            ..purge(0..1)
        };
        let fine = || Random::default().job_id(at(0));
        let drafts =
            [named(0..2, there.id), named(0..3, fine()), named(0..40, there.id), named(0..4, fine()), purge(0..1)];
        let answers = join_all(drafts.iter().map(|draft| store.create_job(draft.clone(), at(2)))).await;
        let kept: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(kept, [false, true, false, true, true]);
        let jobs = store.jobs(Some(&TenantName::new(format!("tenant-{round}"))), None, 9).await.expect("jobs");
        assert_eq!(jobs.iter().map(|job| job.counts.pending).collect::<Vec<_>>(), [4, 3]);
    }
}
