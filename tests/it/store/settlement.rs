//! The end of a task: rows done, rows failed, and the prefetches that waited for them.

use refreshd::domain::{ErrorClass, JobStatus, Mode, Target, TargetKind, TenantName};
use refreshd::store::{EventKind, Guarded, NewJob, ReleaseAction, RowRetry, Store};

use super::fixtures::{
    at, batch, claim, do_all, events, failed_target, give_back, items, job, keep, kinds, lane_of, numbers, purge,
    refresh, refresh_of, settle, states, travelling, url,
};

pub async fn rows_that_are_done_succeed(store: &dyn Store) {
    let kept = keep(store, purge(0..20), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let first = travelling(store, lane, 12, at(2)).await;
    assert_eq!(settle(store, first.submission, &[], at(3)).await, Guarded::Done);
    let half = job(store, &kept).await;
    assert_eq!((half.counts.succeeded, half.counts.pending, half.finished_at), (12, 8, None));
    assert_eq!(half.counts.status(half.started), JobStatus::Running);
    let second = travelling(store, lane, 12, at(4)).await;
    settle(store, second.submission, &[], at(5)).await;
    let done = job(store, &kept).await;
    assert_eq!((done.finished_at, done.counts.status(done.started)), (Some(at(5)), JobStatus::Succeeded));
    assert!(done.version > half.version);
    use EventKind::{Accepted, Claimed, Finished, Settled, Submitted};
    let told = [Accepted, Claimed, Submitted, Settled, Claimed, Submitted, Settled, Finished];
    assert_eq!(kinds(store, &kept).await, told);
    assert!(items(store, &kept).await.iter().all(|item| item.attempts == 1 && item.task_id.is_some()));
}

pub async fn a_failed_row_is_tried_again_until_its_attempts_are_spent(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    let lane = lane_of(store, &kept, 0).await;
    let mut now = 10;
    for attempt in 1..=3 {
        let claim = travelling(store, lane, 10, at(now)).await;
        let failed = [failed_target(&url(1))].to_vec();
        let retry = RowRetry { attempts_max: 3, at: at(now + 100) };
        store.settle(claim.submission, failed, retry, at(now + 1)).await.expect("an outcome");
        let item = items(store, &kept).await.remove(1);
        assert_eq!(item.attempts, attempt);
        assert_eq!(item.failure.as_ref().map(|failure| failure.code.as_str()), Some("fail"));
        if attempt < 3 {
            assert_eq!(states(store, &kept).await, "sws");
            assert_eq!(item.delayed_until, Some(at(now + 100)));
            store.fire_timers(at(now + 99)).await.expect("a look");
            assert_eq!(super::fixtures::claim(store, lane, 10, at(now + 99)).await, None, "not before its moment");
            store.fire_timers(at(now + 100)).await.expect("a look");
            assert_eq!(states(store, &kept).await, "sds");
        }
        now += 100;
    }
    let done = job(store, &kept).await;
    assert_eq!((states(store, &kept).await.as_str(), done.counts.status(true)), ("sfs", JobStatus::Partial));
    assert_eq!(done.finished_at, Some(at(211)));
}

/// A provider that keeps a row for each area names a failed target twice.
pub async fn a_row_reported_twice_ends_once(store: &dyn Store) {
    let kept = keep(store, purge(0..3), at(1)).await;
    let claim = travelling(store, lane_of(store, &kept, 0).await, 10, at(2)).await;
    let failed = [1, 1, 2, 77].map(|n| failed_target(&url(n))).to_vec();
    let retry = RowRetry { attempts_max: 1, at: at(9) };
    let outcome = store.settle(claim.submission, failed, retry, at(3)).await.expect("an outcome");
    assert_eq!((outcome, states(store, &kept).await.as_str()), (Guarded::Done, "sff"));
}

/// What failed for one tenant is not told to another one.
pub async fn a_job_is_told_of_its_own_failures(store: &dyn Store) {
    let jobs = [
        keep(store, purge(0..2), at(1)).await,
        keep(store, NewJob { tenant: TenantName::new("other"), ..purge(10..12) }, at(1)).await,
        keep(store, NewJob { tenant: TenantName::new("third"), ..purge(20..22) }, at(1)).await,
    ];
    let claim = travelling(store, lane_of(store, &jobs[0], 0).await, 10, at(2)).await;
    let failed = [0, 10].map(|n| failed_target(&url(n))).to_vec();
    store.settle(claim.submission, failed, RowRetry { attempts_max: 1, at: at(9) }, at(3)).await.expect("an outcome");
    for (job, failed) in jobs.iter().zip([Some(0), Some(10), None]) {
        let told = events(store, job).await;
        let told: Vec<_> = told.iter().filter_map(|event| event.failure.as_ref()).map(|f| f.message.clone()).collect();
        let own: Vec<_> = failed.map(|n| failed_target(&url(n)).failure.message).into_iter().collect();
        assert_eq!(told, own);
    }
}

pub async fn a_task_that_never_ends_fails_at_once(store: &dyn Store) {
    let kept = keep(store, purge(0..2), at(1)).await;
    let claim = travelling(store, lane_of(store, &kept, 0).await, 10, at(2)).await;
    let mut failed = [0, 1].map(|n| failed_target(&url(n))).to_vec();
    for failed in &mut failed {
        failed.failure.class = ErrorClass::ProviderTimeout;
    }
    store.settle(claim.submission, failed, RowRetry { attempts_max: 0, at: at(3) }, at(3)).await.expect("an outcome");
    let done = job(store, &kept).await;
    assert_eq!((states(store, &kept).await.as_str(), done.counts.status(true)), ("ff", JobStatus::Failed));
    let failure = items(store, &kept).await.remove(0).failure.expect("evidence");
    assert_eq!(failure.class, ErrorClass::ProviderTimeout);
}

/// Each caller keeps its own attempts: an item that shares another's second try makes its own first one.
pub async fn riders_end_together(store: &dyn Store) {
    let one = keep(store, purge(0..2), at(1)).await;
    let lane = lane_of(store, &one, 0).await;
    let claim = travelling(store, lane, 10, at(2)).await;
    settle(store, claim.submission, &[url(0)], at(3)).await;
    let rider = keep(store, purge(0..1), at(4)).await;
    for expected in ["ws w", "fs w"] {
        store.fire_timers(at(1_000_000)).await.expect("a look");
        let claim = travelling(store, lane, 10, at(1_000_001)).await;
        assert_eq!((claim.targets.len(), claim.items), (1, 2));
        settle(store, claim.submission, &[url(0)], at(1_000_002)).await;
        assert_eq!(format!("{} {}", states(store, &one).await, states(store, &rider).await), expected);
    }
    store.fire_timers(at(1_000_000)).await.expect("a look");
    do_all(store, lane, at(1_000_003)).await;
    assert_eq!(format!("{} {}", states(store, &one).await, states(store, &rider).await), "fs s");
    assert_eq!(items(store, &rider).await[0].attempts, 3);
}

pub async fn a_prefetch_waits_for_its_purge(store: &dyn Store) {
    let kept = keep(store, refresh(0..3, 5..7), at(1)).await;
    let (urls, directories, prefetches) =
        (lane_of(store, &kept, 0).await, lane_of(store, &kept, 3).await, lane_of(store, &kept, 5).await);
    let two = travelling(store, urls, 2, at(2)).await;
    let paths = travelling(store, directories, 2, at(2)).await;
    assert_eq!(states(store, &kept).await, "ttdttbbb");
    settle(store, paths.submission, &[], at(3)).await;
    assert_eq!(states(store, &kept).await, "ttdssbbb", "a directory has no prefetch");
    settle(store, two.submission, &[url(1)], at(4)).await;
    assert_eq!(states(store, &kept).await, "swdssdbb", "a purge that goes again is not done");
    let first = travelling(store, prefetches, 10, at(5)).await;
    assert_eq!(numbers(&first), ["0"]);
    settle(store, first.submission, &[], at(6)).await;
    do_all(store, urls, at(7)).await;
    assert_eq!(states(store, &kept).await, "swssssbd");
    store.fire_timers(at(1_000_000)).await.expect("a look");
    do_all(store, urls, at(1_000_001)).await;
    do_all(store, prefetches, at(1_000_002)).await;
    assert_eq!(states(store, &kept).await, "ssssssss");
    assert_eq!(job(store, &kept).await.finished_at, Some(at(1_000_002)));
}

pub async fn a_prefetch_fails_with_its_purge(store: &dyn Store) {
    let kept = keep(store, refresh(0..20, 5..7), at(1)).await;
    let urls = lane_of(store, &kept, 0).await;
    let all = travelling(store, urls, 100, at(2)).await;
    let failed = [3, 4].map(|n| failed_target(&url(n))).to_vec();
    store.settle(all.submission, failed, RowRetry { attempts_max: 1, at: at(9) }, at(3)).await.expect("an outcome");
    assert_eq!(states(store, &kept).await, format!("sssff{}dddddff{}", "s".repeat(15), "d".repeat(15)));
    let prefetch = items(store, &kept).await.remove(22 + 3);
    assert_eq!((prefetch.target, prefetch.attempts), (url(3), 0));
    assert_eq!(prefetch.failure.expect("evidence").class, ErrorClass::PurgeFailed);
    let told = events(store, &kept).await;
    let told: Vec<_> = told.iter().filter(|event| event.kind == EventKind::Failed).map(|event| event.items).collect();
    assert_eq!(told, [Some(2), Some(2)], "the purges, and the prefetches");
}

pub async fn a_refused_purge_fails_its_prefetch(store: &dyn Store) {
    let kept = keep(store, refresh(0..2, 0..0), at(1)).await;
    let urls = lane_of(store, &kept, 0).await;
    while let Some(claim) = claim(store, urls, 10, at(2)).await {
        give_back(store, claim.submission, ReleaseAction::SplitTargets, at(3)).await;
    }
    let done = job(store, &kept).await;
    assert_eq!((states(store, &kept).await.as_str(), done.counts.status(true)), ("ffff", JobStatus::Failed));
    assert_eq!(done.finished_at, Some(at(3)));
    let classes: Vec<_> =
        items(store, &kept).await.into_iter().map(|item| item.failure.expect("evidence").class).collect();
    use ErrorClass::{PurgeFailed, Throttle};
    assert_eq!(classes, [Throttle, Throttle, PurgeFailed, PurgeFailed]);
}

/// The items of several jobs are neighbours, and a pair is found by counting: never into another job.
pub async fn refreshes_side_by_side_do_not_touch(store: &dyn Store) {
    let mut jobs = Vec::new();
    for (urls, directories) in [(0..1, 0..0), (10..12, 0..3), (20..21, 5..6), (30..31, 0..0), (40..43, 7..9)] {
        jobs.push(keep(store, refresh(urls, directories), at(1)).await);
    }
    let (urls, prefetches) = (lane_of(store, &jobs[0], 0).await, lane_of(store, &jobs[0], 1).await);
    let directories = lane_of(store, &jobs[1], 2).await;
    let seen = async || {
        let mut seen = Vec::new();
        for job in &jobs {
            seen.push(states(store, job).await);
        }
        seen.join(" ")
    };
    assert_eq!(seen().await, "db dddddbb ddb db dddddbbb");
    do_all(store, directories, at(2)).await;
    assert_eq!(seen().await, "db ddsssbb dsb db dddssbbb", "no directory frees a neighbour's prefetch");
    let all = travelling(store, urls, 100, at(3)).await;
    let failed = [10, 20, 42].map(|n| failed_target(&url(n))).to_vec();
    store.settle(all.submission, failed, RowRetry { attempts_max: 0, at: at(9) }, at(4)).await.expect("an outcome");
    assert_eq!(seen().await, "sd fssssfd fsf sd ssfssddf");
    // The prefetches fail too; nothing stands behind them that may move.
    let all = batch(store, prefetches, 100, at(5)).await;
    super::fixtures::accept(store, all.submission, "prefetches", at(5)).await;
    let failed = all.targets.iter().map(failed_target).collect();
    store.settle(all.submission, failed, RowRetry { attempts_max: 0, at: at(9) }, at(6)).await.expect("an outcome");
    assert_eq!(seen().await, "sf fssssff fsf sf ssfssfff");
    for kept in &jobs {
        assert!(job(store, kept).await.finished_at.is_some());
    }
}

fn urls(paths: &[&str]) -> Vec<Target> {
    targets(TargetKind::Url, paths)
}

fn directories(paths: &[&str]) -> Vec<Target> {
    targets(TargetKind::Directory, paths)
}

fn targets(kind: TargetKind, paths: &[&str]) -> Vec<Target> {
    paths.iter().map(|path| Target::parse(kind, &format!("https://www.example.com{path}")).expect("a target")).collect()
}

/// With directories that cover no URL.
fn carrying_nobody(mut draft: NewJob) -> NewJob {
    for part in draft.parts.iter_mut().filter(|part| part.lane.kind == TargetKind::Directory) {
        part.lane.mode = Some(Mode::Invalidate);
    }
    draft
}

async fn fail(store: &dyn Store, sent: &refreshd::store::Claim, failed: &[Target], millis: i64) {
    let failed = failed.iter().map(failed_target).collect();
    let retry = RowRetry { attempts_max: 0, at: at(millis) };
    store.settle(sent.submission, failed, retry, at(millis)).await.expect("an outcome");
}

pub async fn a_prefetch_waits_for_every_directory_above_it(store: &dyn Store) {
    let draft = refresh_of(urls(&["/img/a", "/img/b", "/app.js", "/imgs"]), directories(&["/img/"]), vec![]);
    let kept = keep(store, draft, at(1)).await;
    let (url_lane, directory_lane) = (lane_of(store, &kept, 0).await, lane_of(store, &kept, 4).await);
    do_all(store, url_lane, at(2)).await;
    assert_eq!(states(store, &kept).await, "ssssdbbdd", "what lies outside the directory is not held");
    let sent = travelling(store, directory_lane, 1, at(3)).await;
    settle(store, sent.submission, &directories(&["/img/"]), at(4)).await;
    assert_eq!(states(store, &kept).await, "sssswbbdd", "a directory that goes again is not done");
    store.fire_timers(at(1_000_000)).await.expect("a look");
    do_all(store, directory_lane, at(1_000_001)).await;
    assert_eq!(states(store, &kept).await, "sssssdddd");
    assert!(events(store, &kept).await.iter().all(|event| event.kind != EventKind::Failed));
}

pub async fn a_directory_that_is_done_first_frees_nothing(store: &dyn Store) {
    let draft = refresh_of(urls(&["/img/a", "/img/b"]), directories(&["/img/"]), vec![]);
    let kept = keep(store, carrying_nobody(draft), at(1)).await;
    let url_lane = lane_of(store, &kept, 0).await;
    do_all(store, lane_of(store, &kept, 2).await, at(2)).await;
    assert_eq!(states(store, &kept).await, "ddsbb");
    let sent = travelling(store, url_lane, 1, at(3)).await;
    settle(store, sent.submission, &[], at(4)).await;
    assert_eq!(states(store, &kept).await, "sdsdb");
}

pub async fn a_prefetch_fails_with_a_directory_above_it(store: &dyn Store) {
    let draft = refresh_of(urls(&["/img/a", "/img/b", "/app.js"]), directories(&["/img/", "/css/"]), vec![]);
    let kept = keep(store, draft, at(1)).await;
    let url_lane = lane_of(store, &kept, 0).await;
    let sent = travelling(store, url_lane, 1, at(2)).await;
    settle(store, sent.submission, &[], at(3)).await;
    let sent = travelling(store, lane_of(store, &kept, 3).await, 9, at(4)).await;
    fail(store, &sent, &directories(&["/img/"]), 5).await;
    assert_eq!(states(store, &kept).await, "sddfsffb", "also that of a URL whose own purge is still to come");
    for prefetch in &items(store, &kept).await[5..7] {
        assert_eq!(prefetch.failure.as_ref().expect("evidence").class, ErrorClass::PurgeFailed);
        assert_eq!(prefetch.attempts, 0);
    }
    do_all(store, url_lane, at(6)).await;
    assert_eq!(states(store, &kept).await, "sssfsffd");
}

pub async fn a_refused_directory_fails_the_prefetches_below_it(store: &dyn Store) {
    let draft = refresh_of(urls(&["/img/a", "/app.js"]), directories(&["/img/"]), vec![]);
    let kept = keep(store, draft, at(1)).await;
    do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
    let refused = batch(store, lane_of(store, &kept, 2).await, 1, at(3)).await;
    give_back(store, refused.submission, ReleaseAction::SplitTargets, at(4)).await;
    assert_eq!(states(store, &kept).await, "ssffd");
}

pub async fn a_prefetch_waits_for_nested_directories(store: &dyn Store) {
    for (first, failed) in [(0, false), (1, false), (0, true), (1, true)] {
        let nested = ["/img/", "/img/new/"];
        let draft = refresh_of(urls(&["/img/a", "/img/new/b"]), directories(&nested), vec![]);
        let kept = keep(store, draft, at(1)).await;
        do_all(store, lane_of(store, &kept, 0).await, at(2)).await;
        let lane = lane_of(store, &kept, 2).await;
        let sent = travelling(store, lane, 9, at(3)).await;
        assert_eq!(states(store, &kept).await, "ssttbb");
        // The first of them ends with the other one, or is tried again and ends later.
        settle(store, sent.submission, &directories(&nested[1 - first..2 - first]), at(4)).await;
        assert_eq!(states(store, &kept).await, if first == 0 { "ssswdb" } else { "sswsbb" });
        store.fire_timers(at(1_000_000)).await.expect("a look");
        let sent = travelling(store, lane, 9, at(1_000_001)).await;
        let last = directories(&nested[1 - first..2 - first]);
        fail(store, &sent, if failed { &last } else { &[] }, 1_000_002).await;
        let expected = match (first, failed) {
            (_, false) => "ssssdd",
            (0, true) => "sssfdf",
            (_, true) => "ssfsff",
        };
        assert_eq!(states(store, &kept).await, expected);
        do_all(store, lane_of(store, &kept, 4).await, at(1_000_003)).await;
    }
}

/// One call carries the directories of many jobs; each ends the wait of its own job's prefetches alone.
pub async fn directories_of_several_jobs_do_not_touch(store: &dyn Store) {
    let draft = || refresh_of(urls(&["/img/a", "/app.js"]), directories(&["/img/"]), vec![]);
    let draft = || carrying_nobody(draft());
    let one = keep(store, draft(), at(1)).await;
    let (url_lane, directory_lane) = (lane_of(store, &one, 0).await, lane_of(store, &one, 2).await);
    let sent = travelling(store, directory_lane, 9, at(2)).await;
    let two = keep(store, draft(), at(3)).await;
    let plain = keep(store, refresh_of(urls(&["/img/a"]), vec![], vec![]), at(4)).await;
    do_all(store, url_lane, at(5)).await;
    let seen = async || [states(store, &one).await, states(store, &two).await, states(store, &plain).await].join(" ");
    assert_eq!(seen().await, "sstbd ssdbd sd", "a job waits for its own purges");
    settle(store, sent.submission, &[], at(6)).await;
    assert_eq!(seen().await, "sssdd ssdbd sd");
    let sent = travelling(store, directory_lane, 9, at(7)).await;
    fail(store, &sent, &directories(&["/img/"]), 8).await;
    assert_eq!(seen().await, "sssdd ssffd sd");
}

/// A retried refresh may have prefetches without a purge of their own, last of all.
pub async fn a_prefetch_without_a_purge_of_its_own_waits_for_the_directories(store: &dyn Store) {
    let alone = urls(&["/img/b", "/img/new/c", "/img/d"]);
    let draft = refresh_of(urls(&["/img/a"]), directories(&["/img/", "/img/new/"]), alone);
    let kept = keep(store, carrying_nobody(draft), at(1)).await;
    assert_eq!(states(store, &kept).await, "dddbbbb");
    let lane = lane_of(store, &kept, 1).await;
    let sent = travelling(store, lane, 1, at(2)).await;
    settle(store, sent.submission, &[], at(3)).await;
    assert_eq!(states(store, &kept).await, "dsdbdbd");
    do_all(store, lane, at(4)).await;
    assert_eq!(states(store, &kept).await, "dssbddd");
}
