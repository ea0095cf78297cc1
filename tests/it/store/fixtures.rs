//! Jobs to be kept, and short words for what the suite does with them again and again.

use std::ops::Range;

use refreshd::domain::{
    AccountName, Area, ErrorClass, Failure, ItemOperation, ItemState, Labels, Lane, LaneId, Mode, Operation, Priority,
    SubmissionId, SubmissionState, Target, TargetKind, TenantName, Timestamp,
};
use refreshd::random::Random;
use refreshd::store::{
    CallSequence, Claim, Creation, Event, EventKind, FailedTarget, Grant, Guarded, Item, Job, JobPart, NewJob,
    OnlineHosts, Page, PartState, Release, ReleaseAction, RowRetry, Store,
};

/// More rows than any test makes.
pub const ALL: Page = Page { after: 0, limit: 100_000 };

/// So many milliseconds after the suite's beginning.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis)
}

pub fn url(number: u32) -> Target {
    Target::parse(TargetKind::Url, &format!("https://www.example.com/{number}.js")).expect("a URL")
}

pub fn directory(number: u32) -> Target {
    Target::parse(TargetKind::Directory, &format!("https://www.example.com/{number}/")).expect("a directory")
}

pub fn lane(account: &str, operation: ItemOperation, kind: TargetKind) -> Lane {
    let mode = (kind == TargetKind::Directory).then_some(Mode::Delete);
    Lane { account: AccountName::new(account), operation, kind, area: Area::Own, mode }
}

pub fn part(operation: ItemOperation, state: PartState, targets: Vec<Target>) -> JobPart {
    let kind = targets.first().map_or(TargetKind::Url, Target::kind);
    JobPart { lane: lane("main", operation, kind), state, targets }
}

fn draft(operation: Operation, parts: Vec<JobPart>) -> NewJob {
    NewJob {
        id: Random::default().job_id(at(0)),
        tenant: TenantName::new("web"),
        weight: 1,
        operation,
        priority: Priority::Normal,
        area: Area::Own,
        source: None,
        labels: Labels::new(),
        notify: None,
        not_before: None,
        deadline: None,
        merged: 0,
        verify: false,
        parts,
        pair_offset: 0,
        idempotency: None,
        retry_of: None,
        warnings: Vec::new(),
    }
}

pub fn purge(urls: Range<u32>) -> NewJob {
    draft(Operation::Purge, vec![part(ItemOperation::Purge, PartState::Due, urls.map(url).collect())])
}

pub fn prefetch(urls: Range<u32>) -> NewJob {
    draft(Operation::Prefetch, vec![part(ItemOperation::Prefetch, PartState::Due, urls.map(url).collect())])
}

pub fn refresh(urls: Range<u32>, directories: Range<u32>) -> NewJob {
    refresh_of(urls.map(url).collect(), directories.map(directory).collect(), Vec::new())
}

/// As the service cuts it: purges of URLs and of directories, then a blocked prefetch for each URL, and for those that
/// are only to be prefetched.
pub fn refresh_of(urls: Vec<Target>, directories: Vec<Target>, prefetches: Vec<Target>) -> NewJob {
    let pair_offset = u32::try_from(urls.len() + directories.len()).expect("a small job");
    let follow = urls.iter().cloned().chain(prefetches).collect();
    let mut parts = vec![part(ItemOperation::Purge, PartState::Due, urls)];
    if !directories.is_empty() {
        parts.push(part(ItemOperation::Purge, PartState::Due, directories));
    }
    parts.push(part(ItemOperation::Prefetch, PartState::Blocked, follow));
    NewJob { pair_offset, ..draft(Operation::Refresh, parts) }
}

pub async fn keep(store: &dyn Store, job: NewJob, now: Timestamp) -> Job {
    match store.create_job(job, now).await.expect("a kept job") {
        Creation::Created(job) => *job,
        other => panic!("{other:?}"),
    }
}

pub async fn job(store: &dyn Store, kept: &Job) -> Job {
    store.job(kept.id, None).await.expect("a readable job").expect("a job")
}

pub async fn items(store: &dyn Store, job: &Job) -> Vec<Item> {
    store.items(job.row, ALL).await.expect("readable items")
}

pub async fn events(store: &dyn Store, job: &Job) -> Vec<Event> {
    store.events(job.row, ALL).await.expect("readable events")
}

pub async fn kinds(store: &dyn Store, job: &Job) -> Vec<EventKind> {
    events(store, job).await.into_iter().map(|event| event.kind).collect()
}

/// A letter for each item: (d)ue, (w)aiting for its moment, (b)locked, (t)ravelling, (s)ucceeded, (f)ailed,
/// (c)ancelled, e(x)pired.
pub async fn states(store: &dyn Store, job: &Job) -> String {
    let letter = |item: &Item| match item.state {
        ItemState::Pending if item.blocked => 'b',
        ItemState::Pending if item.delayed_until.is_some() => 'w',
        ItemState::Pending => 'd',
        ItemState::Submitted => 't',
        ItemState::Succeeded => 's',
        ItemState::Failed => 'f',
        ItemState::Cancelled => 'c',
        ItemState::Expired => 'x',
    };
    items(store, job).await.iter().map(letter).collect()
}

/// The lane of a job's item, by its place in the job.
pub async fn lane_of(store: &dyn Store, job: &Job, place: usize) -> LaneId {
    items(store, job).await[place].lane
}

pub async fn claim(store: &dyn Store, lane: LaneId, targets_max: u32, now: Timestamp) -> Option<Claim> {
    let grant = Grant {
        lane,
        sequence: CallSequence::default(),
        targets_max,
        non_urgent_max: u32::MAX,
        bytes_max: 1 << 20,
        online_hosts: OnlineHosts::default(),
        suspended_hosts: Vec::new(),
        shares: Vec::new(),
    };
    store.claim(grant, now).await.expect("a claim")
}

/// Claims a batch that is there.
pub async fn batch(store: &dyn Store, lane: LaneId, targets_max: u32, now: Timestamp) -> Claim {
    claim(store, lane, targets_max, now).await.expect("a batch")
}

/// A batch that the provider has accepted as a task.
pub async fn travelling(store: &dyn Store, lane: LaneId, targets_max: u32, now: Timestamp) -> Claim {
    let claim = batch(store, lane, targets_max, now).await;
    accept(store, claim.submission, &format!("task-{}-{}", lane, claim.submission), now).await;
    claim
}

pub async fn accept(store: &dyn Store, id: SubmissionId, task: &str, now: Timestamp) {
    let outcome = store.accept(id, task, Some("request"), now, now).await.expect("an outcome");
    assert_eq!(outcome, Guarded::Done);
}

pub async fn give_back(store: &dyn Store, id: SubmissionId, items: ReleaseAction, now: Timestamp) -> Guarded {
    let failure = Failure::new(ErrorClass::Throttle, "code", "slow down");
    let back = Release { state: SubmissionState::Refused, failure, items };
    store.release(id, back, now).await.expect("an outcome")
}

/// Ends a task whose `failed` targets may be tried three times.
pub async fn settle(store: &dyn Store, id: SubmissionId, failed: &[Target], now: Timestamp) -> Guarded {
    let failed = failed.iter().map(failed_target).collect();
    let retry = RowRetry { attempts_max: 3, at: at(1_000_000) };
    store.settle(id, failed, retry, now).await.expect("an outcome")
}

pub fn failed_target(target: &Target) -> FailedTarget {
    let failure = Failure::new(ErrorClass::Outage, "fail", format!("{target} was not done"));
    FailedTarget { target: target.as_str().to_owned(), failure }
}

/// Claims and settles all that is due in the lane of a job's item.
pub async fn do_all(store: &dyn Store, lane: LaneId, now: Timestamp) {
    while let Some(claim) = claim(store, lane, 100_000, now).await {
        accept(store, claim.submission, &format!("task-{}-{}", lane, claim.submission), now).await;
        settle(store, claim.submission, &[], now).await;
    }
}

pub fn numbers(claim: &Claim) -> Vec<String> {
    let number = |target: &Target| target.as_str().rsplit('/').next().unwrap_or_default().replace(".js", "");
    claim.targets.iter().map(number).collect()
}
